//! The account that Postgres runs under, and how its programs are launched.
//!
//! Two things that a Rust program can't ask for without unsafe code are done by
//! `setpriv` of util-linux, which becomes the program it launches (same process):
//!
//! * **A signal at our death.** `--pdeathsig INT` makes the kernel send SIGINT, a
//!   fast shutdown, when the *thread* that launched Postgres ends, even by
//!   SIGKILL. Where `setpriv` is missing, a killed glassbox leaves its server
//!   behind, and the next start ends that one first.
//! * **Another user.** initdb and postgres refuse to run as root, so root hands
//!   them to the owner of the data or, for a new cluster, to `nobody`.
//!
//! A clone under a folder of mode 0700, such as `/root`, can't be reached by
//! `nobody`. There, and only there, the programs keep the one capability that
//! passes file permissions (`dac_override`), as an ambient one. `access(2)` asks
//! with the real user's rights and ignores such a capability unless the secure bit
//! `no_setuid_fixup` is set; without it initdb says it can't find itself.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::binaries::{Binaries, on_path};
use super::error::ClusterError;

/// The usual number of the user and group `nobody`, which owns nothing else.
const NOBODY: Owner = Owner {
    uid: 65534,
    gid: 65534,
};

/// The user and group that the cluster's own folders belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Launches the programs of Postgres under the right account.
#[derive(Debug, Clone)]
pub(super) struct Account {
    bin: PathBuf,
    /// `setpriv` and its arguments; empty where it is missing.
    launcher: Vec<String>,
    change: Option<Owner>,
}

impl Account {
    /// Decides how to launch, by trying it out with a shell. `dir` is the cluster's
    /// folder and `data` the data folder in it, which need not exist.
    pub(super) fn choose(
        binaries: &Binaries,
        dir: &Path,
        data: &Path,
    ) -> Result<Account, ClusterError> {
        let setpriv = on_path("setpriv").next().map(|bin| bin.join("setpriv"));
        let setpriv = setpriv.map(|path| path.to_string_lossy().into_owned());
        if rustix::process::geteuid().is_root() {
            let setpriv = setpriv.ok_or(ClusterError::NoSetpriv)?;
            Account::another(binaries, dir, owner_of(data).unwrap_or(NOBODY), &setpriv)
        } else {
            Ok(Account::own(binaries, dir, setpriv))
        }
    }

    /// Our own account. The `setpriv` of busybox knows no `--pdeathsig`; then it is
    /// left out.
    fn own(binaries: &Binaries, dir: &Path, setpriv: Option<String>) -> Account {
        let with = |launcher| Account {
            bin: binaries.bin().to_owned(),
            launcher,
            change: None,
        };
        setpriv
            .map(|setpriv| with(vec![setpriv, "--pdeathsig=INT".into(), "--".into()]))
            .filter(|account| account.reaches(dir))
            .unwrap_or_else(|| with(Vec::new()))
    }

    /// The account of `owner`, with the capability only if nothing less will do.
    fn another(
        binaries: &Binaries,
        dir: &Path,
        owner: Owner,
        setpriv: &str,
    ) -> Result<Account, ClusterError> {
        const CAPABILITY: [&str; 3] = [
            "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override",
            "--securebits=+no_setuid_fixup",
        ];
        for extra in [&[][..], &CAPABILITY[..]] {
            let mut launcher = vec![
                setpriv.to_owned(),
                "--pdeathsig=INT".to_owned(),
                format!("--reuid={}", owner.uid),
                format!("--regid={}", owner.gid),
                "--clear-groups".to_owned(),
            ];
            launcher.extend(extra.iter().map(|&argument| argument.to_owned()));
            launcher.push("--".to_owned());
            let account = Account {
                bin: binaries.bin().to_owned(),
                launcher,
                change: Some(owner),
            };
            if account.reaches(dir) {
                return Ok(account);
            }
        }
        Err(ClusterError::Unreachable {
            uid: owner.uid,
            bin: binaries.bin().to_owned(),
            dir: dir.to_owned(),
        })
    }

    /// Whom the cluster's own folders must be given to, if not to us.
    pub(super) fn owner(&self) -> Option<Owner> {
        self.change
    }

    /// The user that the server runs as.
    pub(super) fn uid(&self) -> u32 {
        self.change
            .map_or_else(|| rustix::process::geteuid().as_raw(), |owner| owner.uid)
    }

    /// The command that runs one of Postgres's programs.
    ///
    /// It gets none of our environment, which may hold secrets and settings such as
    /// PGDATA, and is the head of a process group of its own: Ctrl-C in a terminal
    /// must reach glassbox alone, which stops Postgres last.
    pub(super) fn command(&self, program: &str) -> Command {
        self.launch(&self.bin.join(program))
    }

    fn launch(&self, program: &Path) -> Command {
        let mut command = match self.launcher.split_first() {
            Some((setpriv, arguments)) => {
                let mut command = Command::new(setpriv);
                command.args(arguments).arg(program);
                command
            }
            None => Command::new(program),
        };
        let libraries = self.bin.parent().unwrap_or(&self.bin).join("lib");
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LD_LIBRARY_PATH", libraries)
            .stdin(Stdio::null())
            .process_group(0);
        command
    }

    /// Whether a program launched this way can run `postgres` and enter `dir`. The
    /// shell's `test` asks `access(2)`, as initdb does.
    fn reaches(&self, dir: &Path) -> bool {
        let mut command = self.launch(Path::new("/bin/sh"));
        command
            .args(["-c", r#"test -x "$1" && test -x "$2""#, "sh"])
            .arg(self.bin.join("postgres"))
            .arg(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

/// Who owns the data of an existing cluster, unless it is root, as whom no server
/// can have run.
fn owner_of(data: &Path) -> Option<Owner> {
    let metadata = data.metadata().ok()?;
    let owner = Owner {
        uid: metadata.uid(),
        gid: metadata.gid(),
    };
    (owner.uid != 0).then_some(owner)
}
