//! What this process uses, under the names that Prometheus' own clients give it; read from
//! the system whenever somebody asks. What can't be read is left out.

use std::fmt;

use procfs::{ProcResult, WithCurrentSystemInfo, process::Process as ThisProcess};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

/// Reads the figures.
#[derive(Debug)]
pub(super) struct Process;

/// The figures at one moment.
struct Reading {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    threads: i64,
    open_fds: u64,
    started: f64,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "ticks of a process's life are far below 2^52"
)]
fn read() -> ProcResult<Reading> {
    let process = ThisProcess::myself()?;
    let stat = process.stat()?;
    let ticks = procfs::ticks_per_second() as f64;
    let boot = procfs::boot_time_secs()?;
    Ok(Reading {
        cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
        resident_bytes: stat.rss_bytes().get(),
        virtual_bytes: stat.vsize,
        threads: stat.num_threads,
        open_fds: u64::try_from(process.fd_count()?).unwrap_or(u64::MAX),
        started: boot as f64 + stat.starttime as f64 / ticks,
    })
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Ok(now) = read() else { return Ok(()) };
        let figures: [(&str, &str, &dyn EncodeMetric); 6] = [
            (
                "process_cpu_seconds",
                "Time of processors that was used.",
                &ConstCounter::new(now.cpu_seconds),
            ),
            (
                "process_resident_memory_bytes",
                "Memory that is resident.",
                &ConstGauge::new(now.resident_bytes),
            ),
            (
                "process_virtual_memory_bytes",
                "Addresses that are mapped.",
                &ConstGauge::new(now.virtual_bytes),
            ),
            ("process_threads", "Threads.", &ConstGauge::new(now.threads)),
            (
                "process_open_fds",
                "Open files and connections.",
                &ConstGauge::new(now.open_fds),
            ),
            (
                "process_start_time_seconds",
                "When the process began, since 1970.",
                &ConstGauge::new(now.started),
            ),
        ];
        for (name, help, figure) in figures {
            let encoder = encoder.encode_descriptor(name, help, None, figure.metric_type())?;
            figure.encode(encoder)?;
        }
        Ok(())
    }
}
