//! The clients of `make bench-live`: many sockets in one thread, which count what they are
//! told, and a publisher beside them. Run by `tests/bench/live/run.py`.
//!
//! One thread with `epoll`, because it must take as little as possible of a machine that it
//! shares with what it measures; its own processor time is told, so that one sees when it is
//! the limit. It speaks to GlassBox, to a bare `ws` server and to a Socket.IO server (over
//! WebSocket). Prints one line of JSON.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measuring tool outside the program may fail loudly"
)]

use std::{
    collections::HashMap,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use rustix::event::epoll;
use serde_json::{Value, json};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Events to all who listen.
    Fanout,
    /// Sockets that do nothing.
    Idle,
    /// Requests to listen, one after the other on each socket.
    Subscribe,
    /// Changes without anybody who listens.
    Write,
}

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Glassbox,
    Ws,
    Socketio,
}

/// Whom to watch, how, and what to publish meanwhile.
#[derive(Debug, Parser)]
struct Args {
    /// `cargo bench` adds it.
    #[arg(long, hide = true)]
    bench: bool,
    #[arg(long)]
    kind: Kind,
    #[arg(long)]
    mode: Mode,
    /// Where servers listen, as `host:port`; sockets go round them.
    #[arg(long, value_delimiter = ',')]
    address: Vec<String>,
    /// Where a line is an event for all: the publishers' door of `ws` and Socket.IO.
    #[arg(long, default_value = "")]
    publish: String,
    /// The bearer token.
    #[arg(long, default_value = "")]
    token: String,
    /// Channels; socket number k listens to the one at k modulo their number.
    #[arg(long, value_delimiter = ',')]
    channel: Vec<String>,
    /// Nodes that are changed, in turn.
    #[arg(long, value_delimiter = ',')]
    node: Vec<String>,
    #[arg(long)]
    sockets: usize,
    /// From where they connect: another address has ports of its own.
    #[arg(long, default_value = "127.0.0.1")]
    source: std::net::Ipv4Addr,
    /// Events a second; 0: as many as are taken, `window` of them under way.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    #[arg(long, default_value_t = 8)]
    window: u64,
    /// Publishers at once.
    #[arg(long, default_value_t = 8)]
    publishers: u64,
    /// Bytes of an event of `ws` and Socket.IO.
    #[arg(long, default_value_t = 256)]
    size: usize,
    #[arg(long, default_value_t = 1.0)]
    warm: f64,
    #[arg(long)]
    seconds: f64,
    /// Processes whose processor time and memory are told, as `name:pid`, in the order given.
    #[arg(long, value_delimiter = ',')]
    pid: Vec<String>,
}

/// What all threads see.
#[derive(Default)]
struct Shared {
    published: AtomicU64,
    delivered: AtomicU64,
    refused: AtomicU64,
    stop: AtomicBool,
    /// When a change was answered, by when it was sent.
    answered: Mutex<HashMap<u64, u64>>,
}

/// Nanoseconds since the first call, the same for all threads.
fn now() -> u64 {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGUN.elapsed().as_nanos() as u64
}

/// What begins the time in an event, and its digits.
const MARK: &[u8] = b"@@";
const DIGITS: usize = 19;

struct Client {
    stream: TcpStream,
    /// The beginning of a frame whose end is still to come.
    rest: Vec<u8>,
}

fn main() {
    let args = Args::parse();
    let shared = Arc::new(Shared::default());
    if args.mode == Mode::Write {
        return write_alone(&args, &shared);
    }
    let begun = Instant::now();
    let clients = open_all(&args);
    let opened = begun.elapsed().as_secs_f64();
    let mut watch = Watch::over(&args, clients, Arc::clone(&shared));
    match args.mode {
        Mode::Fanout => fanout(&args, &shared, &mut watch),
        Mode::Idle => idle(&shared, &mut watch, opened),
        Mode::Subscribe => subscribe(&args, &shared, &mut watch),
        Mode::Write => {}
    }
}

/// Processor seconds and bytes of memory of the processes that were named, and last our own.
fn usage(args: &Args) -> Vec<(f64, u64)> {
    let own = std::process::id().to_string();
    let pids = args.pid.iter().map(|pid| pid.rsplit(':').next().unwrap());
    let read = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        let ticks = |at: usize| {
            fields
                .get(at)
                .map_or(0.0, |text| text.parse().unwrap_or(0.0))
        };
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: u64 = kilobytes.map_or(0, |text| text.parse().unwrap());
        ((ticks(11) + ticks(12)) / 100.0, kilobytes * 1024)
    };
    pids.chain([own.as_str()]).map(read).collect()
}

/// Says when all sockets are open; counts events until it is told to stop by the end of its
/// input, and says how many there were.
fn idle(shared: &Arc<Shared>, watch: &mut Watch, opened: f64) {
    println!("{}", json!({ "opened_seconds": opened }));
    let told = Arc::clone(shared);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        told.stop.store(true, Ordering::Relaxed);
    });
    while !shared.stop.load(Ordering::Relaxed) {
        watch.run(0.1);
    }
    let alive = watch.clients.iter().filter(|client| client.is_some());
    let heard = shared.delivered.load(Ordering::Relaxed);
    println!("{}", json!({ "sockets": alive.count(), "heard": heard }));
}

fn fanout(args: &Args, shared: &Arc<Shared>, watch: &mut Watch) {
    let publishers: Vec<_> = (0..args.publishers)
        .map(|_| {
            let (shared, args) = (Arc::clone(shared), Publisher::of(args));
            std::thread::spawn(move || args.run(&shared))
        })
        .collect();
    watch.run(args.warm);
    watch.latencies.clear();
    watch.reads = 0;
    let (before, delivered) = (usage(args), shared.delivered.load(Ordering::Relaxed));
    let published = shared.published.load(Ordering::Relaxed);
    let begun = Instant::now();
    watch.run(args.seconds);
    let elapsed = begun.elapsed().as_secs_f64();
    let after = usage(args);
    let delivered = shared.delivered.load(Ordering::Relaxed) - delivered;
    let published = shared.published.load(Ordering::Relaxed) - published;
    shared.stop.store(true, Ordering::Relaxed);
    watch.run(0.5);
    publishers.into_iter().for_each(|one| one.join().unwrap());
    let cpu: Vec<f64> = before.iter().zip(&after).map(|(a, b)| b.0 - a.0).collect();
    let answered = shared.answered.lock().unwrap();
    let (mut whole, mut news) = (Vec::new(), Vec::new());
    for (sent, heard) in &watch.latencies {
        whole.push(heard.saturating_sub(*sent));
        if let Some(answered) = answered.get(sent) {
            news.push(heard.saturating_sub(*answered));
        }
    }
    println!(
        "{}",
        json!({
            "delivered": delivered, "published": published, "seconds": elapsed, "cpu": cpu,
            "refused": shared.refused.load(Ordering::Relaxed), "reads": watch.reads,
            "gone": watch.clients.iter().filter(|client| client.is_none()).count(),
            "bytes": watch.bytes_of_one,
            "sent_ms": quantiles(whole), "answered_ms": quantiles(news),
        })
    );
}

/// The median, the 99th of a hundred and the largest, in milliseconds.
fn quantiles(mut nanos: Vec<u64>) -> [f64; 3] {
    nanos.sort_unstable();
    [0.5, 0.99, 1.0].map(|part| {
        let at = (nanos.len().saturating_sub(1) as f64 * part) as usize;
        nanos.get(at).copied().unwrap_or(0) as f64 / 1e6
    })
}

fn write_alone(args: &Args, shared: &Arc<Shared>) {
    let publishers: Vec<_> = (0..args.publishers)
        .map(|_| {
            let (shared, mut args) = (Arc::clone(shared), Publisher::of(args));
            args.listeners = 0;
            std::thread::spawn(move || args.run(&shared))
        })
        .collect();
    std::thread::sleep(Duration::from_secs_f64(args.warm));
    let (before, published) = (usage(args), shared.published.load(Ordering::Relaxed));
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs_f64(args.seconds));
    let elapsed = begun.elapsed().as_secs_f64();
    let published = shared.published.load(Ordering::Relaxed) - published;
    let after = usage(args);
    shared.stop.store(true, Ordering::Relaxed);
    publishers.into_iter().for_each(|one| one.join().unwrap());
    let cpu: Vec<f64> = before.iter().zip(&after).map(|(a, b)| b.0 - a.0).collect();
    println!(
        "{}",
        json!({ "published": published, "seconds": elapsed, "cpu": cpu })
    );
}

/// Each socket asks, and asks again when it was answered.
fn subscribe(args: &Args, shared: &Arc<Shared>, watch: &mut Watch) {
    watch.asks = args.channel.clone();
    for at in 0..watch.clients.len() {
        watch.ask(at);
    }
    watch.run(args.warm);
    let (before, answered) = (usage(args), shared.delivered.load(Ordering::Relaxed));
    let begun = Instant::now();
    watch.run(args.seconds);
    let elapsed = begun.elapsed().as_secs_f64();
    let after = usage(args);
    let answered = shared.delivered.load(Ordering::Relaxed) - answered;
    let cpu: Vec<f64> = before.iter().zip(&after).map(|(a, b)| b.0 - a.0).collect();
    let refused = shared.refused.load(Ordering::Relaxed);
    println!(
        "{}",
        json!({ "answered": answered, "refused": refused, "seconds": elapsed, "cpu": cpu })
    );
}

/// Opens all sockets, some at a time, and waits until each of them listens.
fn open_all(args: &Args) -> Vec<Client> {
    let next = AtomicU64::new(0);
    let opened: Mutex<Vec<(usize, Client)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut doors: HashMap<String, TcpStream> = HashMap::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed) as usize;
                    if at >= args.sockets {
                        return;
                    }
                    let client = open(args, at, &mut doors);
                    opened.lock().unwrap().push((at, client));
                }
            });
        }
    });
    let mut opened = opened.into_inner().unwrap();
    opened.sort_by_key(|(at, _)| *at);
    opened.into_iter().map(|(_, client)| client).collect()
}

fn open(args: &Args, at: usize, doors: &mut HashMap<String, TcpStream>) -> Client {
    let address = &args.address[at % args.address.len()];
    let path = match args.kind {
        Kind::Glassbox => {
            let door = doors
                .entry(address.clone())
                .or_insert_with(|| connect_from(args.source, address));
            let request = format!(
                "POST /api/v1/auth/ws-token HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-length: 0\r\n\r\n",
                args.token
            );
            door.write_all(request.as_bytes()).unwrap();
            let (status, body) = answer(door);
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
            let body: Value = serde_json::from_slice(&body).unwrap();
            format!("/api/v1/ws?token={}", body["token"].as_str().unwrap())
        }
        Kind::Ws => "/".to_owned(),
        Kind::Socketio => "/socket.io/?EIO=4&transport=websocket".to_owned(),
    };
    let mut stream = connect_from(args.source, address);
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let (head, rest) = head(&mut stream);
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let mut client = Client { stream, rest };
    match args.kind {
        Kind::Glassbox if args.mode != Mode::Subscribe => {
            if let Some(channel) = args.channel.get(at % args.channel.len().max(1)) {
                let ask = json!({ "type": "subscribe", "payload": { "channel": channel }, "requestId": 1 });
                client
                    .stream
                    .write_all(&masked(1, ask.to_string().as_bytes()))
                    .unwrap();
                client.wait_for("\"subscribed\"");
            }
        }
        Kind::Glassbox | Kind::Ws => {}
        Kind::Socketio => {
            client.wait_for("0{");
            client.stream.write_all(&masked(1, b"40")).unwrap();
            client.wait_for("40{");
        }
    }
    client.stream.set_nonblocking(true).unwrap();
    client
}

fn connect(address: &str) -> TcpStream {
    connect_from(std::net::Ipv4Addr::LOCALHOST, address)
}

fn connect_from(source: std::net::Ipv4Addr, address: &str) -> TcpStream {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &std::net::SocketAddrV4::new(source, 0)).unwrap();
    let address: std::net::SocketAddrV4 = address.parse().unwrap();
    connect(&socket, &address).expect("a server that listens");
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
}

/// The head of an answer, and what came with it.
fn head(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let (mut have, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).expect("an answer");
        assert!(read > 0, "the server closed the connection");
        have.extend_from_slice(&buffer[..read]);
        if let Some(end) = have.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = have.split_off(end + 4);
            return (String::from_utf8(have).unwrap(), rest);
        }
    }
}

/// The status and the body of an answer that tells its length.
fn answer(stream: &mut TcpStream) -> (u16, Vec<u8>) {
    let (head, mut body) = head(stream);
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().unwrap())
    });
    let (have, length) = (
        body.len(),
        length.unwrap_or_else(|| panic!("no length: {head}")),
    );
    body.resize(length, 0);
    stream.read_exact(&mut body[have.min(length)..]).unwrap();
    (head[9..12].parse().unwrap(), body)
}

/// A frame of a client, masked with zeros.
fn masked(opcode: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    if content.len() < 126 {
        frame.push(0x80 | content.len() as u8);
    } else {
        frame.push(0x80 | 126);
        frame.extend((content.len() as u16).to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(content);
    frame
}

/// The first frame of `bytes`: its opcode, where its content begins and where it ends.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (start, length) = match *bytes {
        [_, 127, ..] => (
            10,
            u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()) as usize,
        ),
        [_, 126, ..] => (
            4,
            u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()).into(),
        ),
        [_, length, ..] => (2, length.into()),
        _ => return None,
    };
    (bytes.len() >= start + length).then_some((bytes[0] & 15, start, start + length))
}

impl Client {
    /// Reads until a text of the server has `part` in it.
    fn wait_for(&mut self, part: &str) {
        let mut buffer = [0; 4096];
        loop {
            while let Some((_, start, end)) = frame(&self.rest) {
                let frame: Vec<u8> = self.rest.drain(..end).collect();
                if String::from_utf8_lossy(&frame[start..]).contains(part) {
                    return;
                }
            }
            let read = self.stream.read(&mut buffer).expect("an answer");
            assert!(read > 0, "the server closed the connection");
            self.rest.extend_from_slice(&buffer[..read]);
        }
    }
}

/// All sockets, and what they have heard.
struct Watch {
    kind: Kind,
    epoll: std::os::fd::OwnedFd,
    clients: Vec<Option<Client>>,
    shared: Arc<Shared>,
    buffer: Vec<u8>,
    /// When an event was sent and when it was heard, of one socket in eight.
    latencies: Vec<(u64, u64)>,
    reads: u64,
    bytes_of_one: usize,
    /// Channels to ask for, when that is what is measured; and how often was asked.
    asks: Vec<String>,
    asked: usize,
}

impl Watch {
    fn over(args: &Args, clients: Vec<Client>, shared: Arc<Shared>) -> Self {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        for (at, client) in clients.iter().enumerate() {
            let data = epoll::EventData::new_u64(at as u64);
            epoll::add(&epoll, &client.stream, data, epoll::EventFlags::IN).unwrap();
        }
        Watch {
            kind: args.kind,
            epoll,
            clients: clients.into_iter().map(Some).collect(),
            shared,
            buffer: vec![0; 1 << 18],
            latencies: Vec::new(),
            reads: 0,
            bytes_of_one: 0,
            asks: Vec::new(),
            asked: 0,
        }
    }

    fn run(&mut self, seconds: f64) {
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let mut events = Vec::with_capacity(1024);
        let pause = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 20_000_000,
        };
        while Instant::now() < end {
            events.clear();
            let spare = rustix::buffer::spare_capacity(&mut events);
            epoll::wait(&self.epoll, spare, Some(&pause)).unwrap();
            for event in &events {
                self.read(event.data.u64() as usize);
            }
        }
    }

    fn read(&mut self, at: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        self.read_into(at, &mut buffer);
        self.buffer = buffer;
    }

    fn read_into(&mut self, at: usize, buffer: &mut [u8]) {
        let Some(client) = &mut self.clients[at] else {
            return;
        };
        let kept = client.rest.len();
        buffer[..kept].copy_from_slice(&client.rest);
        let read = match client.stream.read(&mut buffer[kept..]) {
            Ok(read) if read > 0 => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            _ => {
                self.clients[at] = None;
                return;
            }
        };
        self.reads += 1;
        let all = &buffer[..kept + read];
        let (mut done, mut heard, mut answers, mut refused) = (0, 0, 0, 0);
        while let Some((opcode, start, end)) = frame(&all[done..]) {
            let content = &all[done + start..done + end];
            match (opcode, self.kind) {
                (9, _) => client.stream.write_all(&masked(10, content)).unwrap(),
                (1, Kind::Socketio) if content == b"2" => {
                    client.stream.write_all(&masked(1, b"3")).unwrap()
                }
                (1, Kind::Glassbox) if content.starts_with(b"{\"payload\"") => {
                    answers += 1;
                    refused += usize::from(content.windows(7).any(|part| part == b"\"error\""));
                }
                (1, _) => {
                    heard += 1;
                    self.bytes_of_one = content.len();
                    if at.is_multiple_of(8) {
                        self.latencies
                            .extend(sent(content).map(|sent| (sent, now())));
                    }
                }
                _ => {}
            }
            done += end;
        }
        client.rest.clear();
        client.rest.extend_from_slice(&all[done..]);
        if self.asks.is_empty() {
            self.shared.delivered.fetch_add(heard, Ordering::Relaxed);
        } else if answers > 0 {
            self.shared
                .delivered
                .fetch_add((answers - refused) as u64, Ordering::Relaxed);
            self.shared
                .refused
                .fetch_add(refused as u64, Ordering::Relaxed);
            (0..answers).for_each(|_| self.ask(at));
        }
    }

    /// Asks for the next channel.
    fn ask(&mut self, at: usize) {
        let channel = &self.asks[self.asked % self.asks.len()];
        self.asked += 1;
        let ask = json!({ "type": "subscribe", "payload": { "channel": channel }, "requestId": 1 });
        if let Some(client) = &mut self.clients[at] {
            client
                .stream
                .write_all(&masked(1, ask.to_string().as_bytes()))
                .unwrap();
        }
    }
}

/// When an event was sent.
fn sent(content: &[u8]) -> Option<u64> {
    let at = content.windows(MARK.len()).position(|part| part == MARK)? + MARK.len();
    str::from_utf8(content.get(at..at + DIGITS)?)
        .ok()?
        .parse()
        .ok()
}

/// One that makes events.
struct Publisher {
    kind: Kind,
    address: Vec<String>,
    publish: String,
    token: String,
    nodes: Vec<String>,
    listeners: u64,
    rate: f64,
    window: u64,
    size: usize,
}

impl Publisher {
    fn of(args: &Args) -> Self {
        Publisher {
            kind: args.kind,
            address: args.address.clone(),
            publish: args.publish.clone(),
            token: args.token.clone(),
            nodes: args.node.clone(),
            // How many hear one event.
            listeners: (args.sockets / args.channel.len().max(1)) as u64,
            rate: args.rate,
            window: args.window,
            size: args.size,
        }
    }

    fn run(&self, shared: &Shared) {
        let address = match self.kind {
            Kind::Glassbox => &self.address[0],
            _ => &self.publish,
        };
        let mut stream = connect(address);
        let begun = Instant::now();
        let first = shared.published.load(Ordering::Relaxed);
        loop {
            let number = shared.published.fetch_add(1, Ordering::Relaxed);
            if !self.wait(shared, number, begun, first) {
                return;
            }
            let sent = now();
            match self.kind {
                Kind::Glassbox => {
                    if self.change(&mut stream, number, sent) {
                        shared.answered.lock().unwrap().insert(sent, now());
                    } else {
                        shared.refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
                _ => {
                    let mut text = format!("@@{sent:019}");
                    text.extend(std::iter::repeat_n(
                        'x',
                        self.size.saturating_sub(text.len()),
                    ));
                    text.push('\n');
                    stream.write_all(text.as_bytes()).unwrap();
                }
            }
        }
    }

    /// Waits until event `number` is due; not when it is time to stop.
    fn wait(&self, shared: &Shared, number: u64, begun: Instant, first: u64) -> bool {
        while !shared.stop.load(Ordering::Relaxed) {
            if self.rate > 0.0 {
                let due = Duration::from_secs_f64((number - first) as f64 / self.rate);
                let left = due.saturating_sub(begun.elapsed());
                if left.is_zero() {
                    return true;
                }
                std::thread::sleep(left.min(Duration::from_millis(50)));
            } else {
                let delivered = shared.delivered.load(Ordering::Relaxed);
                if self.listeners == 0
                    || number * self.listeners < delivered + self.window * self.listeners
                {
                    return true;
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        false
    }

    fn change(&self, stream: &mut TcpStream, number: u64, sent: u64) -> bool {
        let node = &self.nodes[number as usize % self.nodes.len()];
        let body = format!("{{\"title\":\"@@{sent:019}\"}}");
        let request = format!(
            "PATCH /api/v1/nodes/{node} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        answer(stream).0 == 200
    }
}
