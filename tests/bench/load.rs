//! The load generator of `make bench`: a few connections that ask for random nodes.
//!
//! With `--rate` it is open-loop: request number k is due k/rate seconds after the
//! start whatever became of those before it, and its latency counts from then, so a
//! server that stalls can't hide it by slowing the generator down. Without a rate each
//! connection asks again at once, which finds the rate at saturation.
//!
//! One blocking thread a connection, because it must take as little as possible of a
//! machine that it shares with what it measures. Prints one line of JSON.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measuring tool outside the program may fail loudly"
)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use clap::Parser;

/// What to ask, of whom, and how often.
#[derive(Debug, Parser)]
struct Args {
    /// `cargo bench` adds it.
    #[arg(long, hide = true)]
    bench: bool,
    /// Where the server listens, as `host:port`.
    #[arg(long)]
    address: String,
    /// `GET` or `PATCH`.
    #[arg(long, default_value = "GET")]
    method: String,
    /// The path; `{node}` becomes a random node's id.
    #[arg(long)]
    path: String,
    /// The body; `{n}` becomes a number that is never the same twice.
    #[arg(long, default_value = "")]
    body: String,
    /// The bearer token.
    #[arg(long)]
    token: String,
    /// Nodes to choose from; `tests/bench/seed.sql` numbers them from 1.
    #[arg(long)]
    nodes: u64,
    /// Connections.
    #[arg(long, default_value_t = 8)]
    connections: u64,
    /// Requests a second over all connections; 0: as many as the server takes.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// For how long.
    #[arg(long)]
    seconds: f64,
}

/// What one connection saw.
#[derive(Debug, Default)]
struct Seen {
    micros: Vec<u64>,
    errors: u64,
}

fn main() {
    let args = Args::parse();
    let start = Instant::now();
    let number = AtomicU64::new(0);
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=args.connections)
            .map(|seed| {
                let (args, number) = (&args, &number);
                scope.spawn(move || connection(args, start, number, seed))
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let elapsed = start.elapsed().as_secs_f64();
    let errors: u64 = seen.iter().map(|s| s.errors).sum();
    let mut micros: Vec<u64> = seen.into_iter().flat_map(|s| s.micros).collect();
    micros.sort_unstable();
    let quantile = |q: f64| {
        let at = (micros.len().saturating_sub(1) as f64 * q) as usize;
        micros.get(at).copied().unwrap_or(0)
    };
    println!(
        r#"{{"requests":{},"errors":{errors},"seconds":{elapsed},"p50_us":{},"p99_us":{}}}"#,
        micros.len(),
        quantile(0.5),
        quantile(0.99)
    );
}

fn connection(args: &Args, start: Instant, number: &AtomicU64, seed: u64) -> Seen {
    let mut stream = TcpStream::connect(&args.address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let end = Duration::from_secs_f64(args.seconds);
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut buffer = vec![0; 1 << 20];
    let mut seen = Seen::default();
    loop {
        let n = number.fetch_add(1, Ordering::Relaxed);
        let due = if args.rate > 0.0 {
            Duration::from_secs_f64(n as f64 / args.rate)
        } else {
            start.elapsed()
        };
        if due >= end {
            return seen;
        }
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        let request = request(args, n, &mut random);
        stream.write_all(request.as_bytes()).unwrap();
        if answer(&mut stream, &mut buffer) == 200 {
            seen.micros.push((start.elapsed() - due).as_micros() as u64);
        } else {
            seen.errors += 1;
        }
    }
}

fn request(args: &Args, n: u64, random: &mut u64) -> String {
    // Marsaglia's xorshift: enough to spread over the nodes.
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    let node = format!("0192a000-0000-7000-8000-{:012x}", *random % args.nodes + 1);
    let path = args.path.replace("{node}", &node);
    let body = args.body.replace("{n}", &n.to_string());
    let kind = if body.is_empty() {
        String::new()
    } else {
        format!(
            "content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        )
    };
    format!(
        "{} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n{kind}\r\n{body}",
        args.method, args.address, args.token
    )
}

/// Reads one answer with a `content-length` and says its status.
fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> u16 {
    let mut have = 0;
    loop {
        let read = stream.read(&mut buffer[have..]).unwrap();
        assert!(read > 0, "the server closed the connection");
        have += read;
        let Some(head) = buffer[..have].windows(4).position(|w| w == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().unwrap())
        });
        let whole = head + 4 + length.unwrap_or_else(|| panic!("no content-length:\n{text}"));
        while have < whole {
            let read = stream.read(&mut buffer[have..]).unwrap();
            assert!(read > 0, "the server closed the connection");
            have += read;
        }
        return text[9..12].parse().unwrap();
    }
}
