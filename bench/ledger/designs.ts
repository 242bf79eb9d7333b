import type postgres from 'postgres'
import { uuidText, uuidV7 } from '../../src/core/ids.ts'
import { cash, GAMING_REVENUE, held } from '../../src/core/ledger/chart.ts'
import { type Posting, posting, transfer } from '../../src/core/ledger/posting.ts'
import type { Db } from '../../src/db/client.ts'
import { chance } from '../../src/platform/chance.ts'

export const OPERATOR = 'opr_00000000000000000000000000'
/** Players whose money is moved about. */
export const PLAYERS = 10_000
/** Each begins with this much, which no run can spend. */
const STAKE = 10n ** 15n

const UNTIDIED = 'with (autovacuum_enabled = false)'

const draw = chance()
export const newUuid = () => uuidText(uuidV7(Date.now(), draw()))
const player = () => 1 + Math.floor(Math.random() * PLAYERS)
/** Which accounts a transfer goes between. `hot` is the house's side of each bet, `hot, bounded` one player's held money in all of them. */
export type Pattern = 'random' | 'hot' | 'hot, bounded'

/** A transfer of a few cents under a key of its own, keys rising with time as a game server's round numbers do. */
export function nextPosting(pattern: Pattern): Posting {
  const from = `p${player()}`
  const credit = pattern === 'random' ? held(from) : pattern === 'hot' ? GAMING_REVENUE : held('hot')
  const amount = { asset: 'EUR', minor: BigInt(1 + Math.floor(Math.random() * 99)) }
  return posting(`game:${newUuid()}`, 'bet_placed', [transfer(cash(from), credit, amount)])
}

/**
 * The tables that we are compared with: a bare insert, and a textbook ledger of accounts, transfers and two entries each.
 * Nobody tidies them, to their advantage, or the ledger would be measured while the server sweeps up behind others.
 */
export async function makeBaselines(admin: postgres.Sql): Promise<void> {
  await admin.unsafe(`
    create table raw_row (id uuid primary key, debit bigint not null, credit bigint not null, amount numeric not null, at timestamptz not null default now()) ${UNTIDIED};
    create table book_account (id bigint primary key, balance numeric not null default 0, version bigint not null default 0) ${UNTIDIED};
    create table book_transfer (id uuid primary key, from_id bigint not null references book_account, to_id bigint not null references book_account,
      amount numeric not null check (amount > 0), at timestamptz not null default now()) ${UNTIDIED};
    create table book_entry (id uuid primary key default gen_random_uuid(), transfer_id uuid not null references book_transfer, account_id bigint not null references book_account,
      amount numeric not null, previous numeric not null, current numeric not null, version bigint not null, at timestamptz not null default now()) ${UNTIDIED};
    create index on book_entry (account_id);
    create index on book_entry (transfer_id);
    create function book_post(p_id uuid, p_from bigint, p_to bigint, p_amount numeric) returns void language plpgsql as $$
    declare f book_account; t book_account;
    begin
      perform from book_account where id in (p_from, p_to) order by id for update;
      insert into book_transfer (id, from_id, to_id, amount) values (p_id, p_from, p_to, p_amount);
      update book_account set balance = balance - p_amount, version = version + 1 where id = p_from returning * into f;
      update book_account set balance = balance + p_amount, version = version + 1 where id = p_to returning * into t;
      insert into book_entry (transfer_id, account_id, amount, previous, current, version) values (p_id, p_from, -p_amount, f.balance + p_amount, f.balance, f.version);
      insert into book_entry (transfer_id, account_id, amount, previous, current, version) values (p_id, p_to, p_amount, t.balance - p_amount, t.balance, t.version);
    end $$;
    insert into book_account (id) select generate_series(1, ${PLAYERS});
    grant all on raw_row, book_account, book_transfer, book_entry to paycage_app;
  `)
}

/** One row and its primary key: the least that a database can do durably for a transfer. */
export const rawInsert = (db: Db) =>
  db.alone(
    (sql) =>
      sql`insert into raw_row (id, debit, credit, amount) values (${newUuid()}::uuid, ${player()}, ${player()}, ${'12'}::numeric)`,
  )

/** The textbook's transfer; a hot one goes to account 1. */
export function bookPost(db: Db, pattern: Pattern) {
  const from = pattern === 'random' ? player() : 2 + Math.floor(Math.random() * (PLAYERS - 1))
  const to = pattern === 'random' ? 1 + (from % PLAYERS) : 1
  return db.alone((sql) => sql`select book_post(${newUuid()}::uuid, ${from}, ${to}, ${'12'}::numeric)`)
}

/** The operator, and players with money, in a few large postings of the ledger's own function. */
export async function makePlayers(admin: postgres.Sql, post: (postings: Posting[]) => Promise<unknown>) {
  await admin`insert into operator (id, name) values (${OPERATOR}, 'Bench')`
  const names = ['hot', ...Array.from({ length: PLAYERS }, (_, index) => `p${index + 1}`)]
  const stakes = names.map((name) =>
    posting(`deposit:${name}:settled`, 'deposit_settled', [
      transfer('connection:con_1:receivable', cash(name), { asset: 'EUR', minor: 2n * STAKE }),
      transfer(cash(name), held(name), { asset: 'EUR', minor: STAKE }),
    ]),
  )
  for (let start = 0; start < stakes.length; start += 250) await post(stakes.slice(start, start + 250))
  await admin.unsafe('vacuum analyze')
}

/** Stores so many transfers between the players at once, as if they had been posted in the last hours. Balances and numbers follow. */
export async function bulkLoad(admin: postgres.Sql, from: number, to: number): Promise<void> {
  await admin.unsafe(`
    set session_replication_role = replica; set synchronous_commit = off; set maintenance_work_mem = '512MB'; set work_mem = '256MB';
    create temp table player as select row_number() over (order by a.id) as n, a.id from ledger.account a where a.code ~ '^player:p[0-9]+:(cash|held)$';
    create temp table start as select b.account_id, b.seq, b.credited - b.debited as balance from ledger.balance b join player p on p.id = b.account_id;
    create temp table load as
      select i, clock_timestamp() - make_interval(secs => (${to} - i) * 0.0005) as at,
        d.id as debit, c.id as credit, (1 + i % 99)::numeric as amount
      from generate_series(${from + 1}, ${to}) i
      join player d on d.n = 1 + (i::bigint * 7919) % ${2 * PLAYERS} join player c on c.n = 1 + (i::bigint * 7919 + 1) % ${2 * PLAYERS};
    create temp table leg as
      select i, debit as account_id, true as is_debit, amount from load union all select i, credit, false, amount from load;
    create temp table numbered as
      select l.i, l.is_debit, s.seq + row_number() over w as seq, s.balance + sum(case when l.is_debit then -l.amount else l.amount end) over w as after
      from leg l join start s using (account_id) window w as (partition by l.account_id order by l.i);
    create index on numbered (i);
    analyze load; analyze numbered;
    create temp table ids as select i, overlay(ledger.uuid_at(at)::text placing '7' || substr(lpad(to_hex(i), 12, '0'), 1, 3) || '-8' || substr(lpad(to_hex(i), 12, '0'), 4, 3) || '-' || lpad(to_hex(i), 12, '0') from 15)::uuid as id from load;
    insert into ledger.journal (operator_id, key, id, kind, transfers)
      select '${OPERATOR}', 'game:' || id, id, 'bet_placed', 1 from ids order by id;
    insert into ledger.transfer (operator_id, journal_id, n, asset, debit_account, credit_account, amount, debit_seq, debit_after, credit_seq, credit_after, created_at)
      select '${OPERATOR}', ids.id, 0, 'EUR', l.debit, l.credit, l.amount, d.seq, d.after, c.seq, c.after, l.at
      from load l join ids using (i) join numbered d on d.i = l.i and d.is_debit join numbered c on c.i = l.i and not c.is_debit order by l.i;
    update ledger.balance b set debited = b.debited + s.debited, credited = b.credited + s.credited, seq = b.seq + s.n
      from (select account_id, sum(amount) filter (where is_debit) as debited, sum(amount) filter (where not is_debit) as credited, count(*) as n from leg group by account_id) s
      where b.account_id = s.account_id;
    drop table player, start, load, leg, numbered, ids;
    set session_replication_role = origin;
  `)
  await admin.unsafe('vacuum analyze ledger.transfer, ledger.journal, ledger.balance, ledger.account')
  await admin.unsafe('checkpoint')
}
