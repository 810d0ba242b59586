//! Takes the network away from this process and all that it starts.
//!
//! By a filter of system calls, which needs no rights; namespaces would. On systems other
//! than Linux nothing is done, and the deployment has to.

use std::io;

/// After this no socket can be made, by us or by a tool that we start. It can't be undone.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(super) fn without_network() -> io::Result<()> {
    use std::collections::BTreeMap;

    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

    // io_uring makes sockets without the calls that a filter sees.
    let refused = [
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_io_uring_setup,
        libc::SYS_ptrace,
    ];
    let rules: BTreeMap<i64, Vec<_>> = refused.map(|call| (call, Vec::new())).into();
    let architecture = std::env::consts::ARCH
        .try_into()
        .map_err(io::Error::other)?;
    let errno = libc::EPERM.unsigned_abs();
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(errno),
        architecture,
    );
    let program: BpfProgram = filter
        .and_then(BpfProgram::try_from)
        .map_err(io::Error::other)?;
    apply_filter(&program).map_err(io::Error::other)
}

/// Nothing, where there is no such filter.
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(super) fn without_network() -> io::Result<()> {
    Ok(())
}
