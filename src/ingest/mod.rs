//! The file worker: turns files into text, in a child process.
