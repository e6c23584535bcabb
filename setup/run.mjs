// One entry for every npm script: checks the machine, sets up what is missing, then runs the part.
// Plain Node without dependencies, because it runs before anything is installed.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  console.error(
    `Tidemark needs Node 20.11 or newer, and this is Node ${process.versions.node}: install it from https://nodejs.org and run the command again.`,
  );
  process.exit(1);
}

const { main } = await import('./main.mjs');
process.exitCode = await main(process.argv.slice(2));
