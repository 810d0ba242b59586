//! How much memory children have, looked at while they run.
//!
//! What the kernel says of ended children won't do: it counts the memory that a child shared
//! with this process before it became its program.

use std::{
    collections::HashSet,
    path::Path,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

/// Looks at all children of this process, over and over.
pub struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<Seen>,
}

#[derive(Debug, Default)]
pub struct Seen {
    /// How many children were looked at.
    pub children: usize,
    /// The most that one of them had had in memory.
    pub most_mib: u64,
}

const EVERY: Duration = Duration::from_millis(3);

impl Watch {
    pub fn begin() -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let (mut seen, mut known) = (Seen::default(), HashSet::new());
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                for child in children() {
                    if let Some(peak) = peak_mib(&child) {
                        seen.most_mib = seen.most_mib.max(peak);
                        known.insert(child);
                    }
                }
            }
            seen.children = known.len();
            seen
        });
        Watch { stop, thread }
    }

    pub fn end(self) -> Seen {
        drop(self.stop);
        self.thread.join().unwrap()
    }
}

/// The ids of this process' children, by the thread that started them.
fn children() -> Vec<String> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let started = threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    started
        .flat_map(|ids| {
            ids.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The most that a process has had in memory, if it lives and is our program by now.
fn peak_mib(id: &str) -> Option<u64> {
    let folder = Path::new("/proc").join(id);
    // First: before it is our program, its memory is ours.
    if std::fs::read_link(folder.join("exe")).ok()? != Path::new(env!("CARGO_BIN_EXE_glassbox")) {
        return None;
    }
    let status = std::fs::read_to_string(folder.join("status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024)
}
