//! Programs that read what we can't, where the machine has them: pdftotext and pdftoppm
//! (Poppler), and Tesseract. They run inside the limits of the child that starts them,
//! with an empty environment, and are ended when its time is over.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The longest answer of a tool, in bytes.
const MAX_ANSWER: u64 = 32 << 20;
/// The longer side of a page that is drawn for Tesseract, in pixels: 210 dots an inch on
/// A4. Without a bound a page may claim to be as large as a field.
const DRAWN_SIDE: &str = "2480";

/// Where tools are, and until when they may run.
#[derive(Debug, Clone)]
pub struct Tools {
    folders: Vec<PathBuf>,
    languages: String,
    until: Instant,
}

impl Tools {
    /// Tools in `folders`, which are separated as in `PATH`; no folder, no tools.
    /// `languages` are Tesseract's, such as `eng+deu`.
    pub fn new(folders: &str, languages: &str, time: Duration) -> Self {
        Tools {
            folders: std::env::split_paths(folders).collect(),
            languages: languages.to_owned(),
            until: Instant::now() + time,
        }
    }

    /// The program with this name, if there is one.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let mut paths = self.folders.iter().map(|folder| folder.join(name));
        paths.find(|path| path.is_absolute() && path.is_file())
    }

    /// Whether images can be read.
    pub(super) fn can_see(&self) -> bool {
        self.find("tesseract").is_some()
    }

    /// The text of a PDF, or of one page of it.
    pub(super) fn pdf_text(&self, pdf: &Path, page: Option<u32>) -> Option<String> {
        let mut command = tool(self.find("pdftotext")?);
        command.args(["-q", "-enc", "UTF-8"]);
        if let Some(page) = page.map(|page| page.to_string()) {
            command.args(["-f", &page, "-l", &page]);
        }
        command.arg(pdf).arg("-");
        self.answer(vec![command.spawn().ok()?])
    }

    /// What stands in an image.
    pub(super) fn image_text(&self, image: &Path) -> Option<String> {
        let seer = self.seer(Stdio::from(File::open(image).ok()?))?;
        self.answer(vec![seer])
    }

    /// What stands in the image of one page of a PDF.
    pub(super) fn scanned_page(&self, pdf: &Path, page: u32) -> Option<String> {
        let page = page.to_string();
        let mut draw = tool(self.find("pdftoppm")?);
        draw.args(["-q", "-gray", "-scale-to", DRAWN_SIDE])
            .args(["-f", &page, "-l", &page])
            .arg(pdf);
        if !self.can_see() || self.left().is_zero() {
            return None;
        }
        let mut draw = draw.spawn().ok()?;
        let drawn = draw.stdout.take()?;
        let seer = self.seer(Stdio::from(drawn));
        self.answer([Some(draw), seer].into_iter().flatten().collect())
    }

    fn seer(&self, image: Stdio) -> Option<Child> {
        let mut command = tool(self.find("tesseract")?);
        command
            .args(["stdin", "stdout", "-l", &self.languages])
            // More threads would take more memory and not less time of the processor.
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(image);
        command.spawn().ok()
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// What the last of these says, if all end well and in time.
    fn answer(&self, mut running: Vec<Child>) -> Option<String> {
        let (done, over) = mpsc::channel::<()>();
        let pids: Vec<Pid> = running.iter().filter_map(pid).collect();
        let left = self.left();
        let watch = thread::spawn(move || {
            if over.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                kill(&pids);
            }
        });
        let out = running.last_mut().and_then(|child| child.stdout.take());
        let said = out.and_then(read);
        if said.is_none() {
            kill(&running.iter().filter_map(pid).collect::<Vec<_>>());
        }
        let mut well = true;
        for child in &mut running {
            well &= child.wait().is_ok_and(|status| status.success());
        }
        drop(done);
        let _ = watch.join();
        said.filter(|_| well)
    }
}

/// A command that has nothing of ours but its answer's pipe.
fn tool(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// The whole of a tool's answer; `None` if it is too long.
fn read(out: ChildStdout) -> Option<String> {
    let mut said = Vec::new();
    out.take(MAX_ANSWER + 1).read_to_end(&mut said).ok()?;
    let whole = said.len() as u64 <= MAX_ANSWER;
    whole.then(|| String::from_utf8_lossy(&said).into_owned())
}

fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

fn kill(pids: &[Pid]) {
    for pid in pids {
        // It may have ended by itself.
        let _ = kill_process(*pid, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_folders_there_are_no_tools() {
        let none = Tools::new("", "eng", Duration::from_secs(1));
        assert_eq!(none.find("pdftotext"), None);
        assert_eq!(none.pdf_text(Path::new("/dev/null"), None), None);
        assert!(!none.can_see());
    }
}
