import { SECRET_VARIABLES, VARIABLES } from './config.ts'

/** The text of `.env.example`: every setting with its meaning and default, all commented out. */
export function envExample(): string {
  const lines = Object.entries(VARIABLES).map(([name, schema]) => {
    const preset: unknown = schema.safeParse(undefined).data
    const file = SECRET_VARIABLES.includes(name) ? ` Or ${name}_FILE.` : ''
    return `# ${schema.description}${file}\n#${name}=${typeof preset === 'string' || typeof preset === 'number' ? preset : ''}\n`
  })
  return `# Settings of the gateway, read from the environment once, at start. All are optional in the sandbox.\n\n${lines.join('\n')}`
}
