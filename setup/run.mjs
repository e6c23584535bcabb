// One entry for every npm script: checks the machine, sets up what is missing, then runs the part.
// Plain Node without dependencies, because it runs before anything is installed.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
// On Linux the functions' own Node comes with the packages; elsewhere this one runs them.
const [wantedMajor, wantedMinor] = process.platform === 'linux' ? [20, 11] : [24, 0];
if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
  console.error(
    `Tidemark needs Node ${wantedMajor}.${wantedMinor} or newer here, and this is Node ${process.versions.node}: install it from https://nodejs.org and run the command again.`,
  );
  process.exit(1);
}

const { main } = await import('./main.mjs');
process.exitCode = await main(process.argv.slice(2));
