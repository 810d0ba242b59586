//! Calling addresses that users gave, without letting them call for us what only we can
//! reach.
//!
//! A server that calls wherever it is told to can be told to call its own database, a
//! neighbour, or the cloud's metadata service. So such addresses get a client of their
//! own: it resolves a name itself, looks at every address that the name has, and
//! connects to those very addresses, so that a name can't mean one thing when it is
//! checked and another when it is called. It follows no redirect, and takes no proxy
//! from the environment, which would resolve the name again.
//!
//! Only public addresses pass, and what the operator allows by name or network. What an
//! allowed server then does is not our question, and neither are ports.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use url::Host;

use super::{Timeouts, builder};
use crate::kernel::field::invalid;
use crate::kernel::{Error, Result};

/// IPv4 that is not the public network: IANA's registry of special-purpose addresses,
/// and one that is public and answers cloud machines only.
const NOT_PUBLIC_V4: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    // Azure's platform service.
    "168.63.129.16/32",
];

/// All of public IPv6. Outside it are loopback, link-local, unique local, multicast,
/// and IPv4 in disguise (mapped, NAT64).
const PUBLIC_V6: &str = "2000::/3";

/// What in it is not public: protocol assignments with Teredo among them,
/// documentation, and IPv4 in the disguise of 6to4.
const NOT_PUBLIC_V6: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/// The tables, read once. A line that could not be read would be missing in silence,
/// so a test counts them.
static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    not_public_v4: parsed(&NOT_PUBLIC_V4),
    public_v6: parsed(&[PUBLIC_V6]),
    not_public_v6: parsed(&NOT_PUBLIC_V6),
});

struct Tables {
    not_public_v4: Vec<Ipv4Net>,
    public_v6: Vec<Ipv6Net>,
    not_public_v6: Vec<Ipv6Net>,
}

fn parsed<N: std::str::FromStr>(lines: &[&str]) -> Vec<N> {
    lines.iter().filter_map(|line| line.parse().ok()).collect()
}

/// Why an address is not called. It may be shown to whoever gave the address; what a
/// name resolves to is left out, because it tells of the network it was resolved in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "The address leads into a private network, which is not called on a user's word; whoever runs \
     the server can allow it (models.allowed_hosts)."
)]
pub struct Refusal;

/// What the operator allows beyond the public network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    hosts: BTreeSet<String>,
    networks: Vec<IpNet>,
}

impl Allowed {
    /// Reads names (`llm.internal`), addresses (`10.0.0.7`) and networks
    /// (`10.0.0.0/8`).
    ///
    /// # Errors
    /// `VALIDATION_FAILED` for what looks like a network and is none.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut allowed = Allowed::default();
        for entry in entries.into_iter().map(str::trim).filter(|e| !e.is_empty()) {
            if let Ok(address) = entry.parse::<IpAddr>() {
                allowed.networks.push(address.into());
            } else if entry.contains('/') {
                let network = entry.parse();
                let why = "must be names, addresses, or networks such as 10.0.0.0/8";
                let network = network.map_err(|_| invalid("models.allowed_hosts", why))?;
                allowed.networks.push(network);
            } else {
                allowed.hosts.insert(plain(entry));
            }
        }
        Ok(allowed)
    }

    fn host(&self, name: &str) -> bool {
        self.hosts.contains(&plain(name))
    }

    fn address(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|net| net.contains(&address))
    }
}

/// A host's name in the one form that names are compared in.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether an address is one of the public network.
fn is_public(address: IpAddr) -> bool {
    let tables = &*TABLES;
    match address {
        IpAddr::V4(v4) => !tables.not_public_v4.iter().any(|net| net.contains(&v4)),
        IpAddr::V6(v6) => {
            tables.public_v6.iter().any(|net| net.contains(&v6))
                && !tables.not_public_v6.iter().any(|net| net.contains(&v6))
        }
    }
}

/// Finds the addresses of a name. A port so that tests need not listen on a known one;
/// 0 leaves the port to the address that was asked for.
#[async_trait]
pub trait Names: Send + Sync {
    /// All addresses of `host`.
    async fn addresses(&self, host: &str) -> std::io::Result<Vec<SocketAddr>>;
}

/// The system's own resolver.
#[derive(Debug, Clone, Copy)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, host: &str) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.collect())
    }
}

/// Resolves for the client, and hands it only what passed.
struct CheckedNames {
    allowed: Arc<Allowed>,
    names: Arc<dyn Names>,
}

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, names) = (Arc::clone(&self.allowed), Arc::clone(&self.names));
        Box::pin(async move {
            let host = name.as_str();
            let found = names.addresses(host).await?;
            // One address that is ours is enough to refuse: which of several is
            // called is the connection's choice.
            let passes = |at: &SocketAddr| is_public(at.ip()) || allowed.address(at.ip());
            if !allowed.host(host) && !found.iter().all(passes) {
                return Err(Refusal.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Gives out the client for addresses that users gave. Cheap to clone.
#[derive(Clone)]
pub struct Guarded {
    client: Client,
    allowed: Arc<Allowed>,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

impl Guarded {
    /// A guard that resolves as the system does.
    ///
    /// # Errors
    /// Internal, when the TLS backend can't start.
    pub fn new(timeouts: Timeouts, allowed: Allowed) -> Result<Self> {
        Self::with_names(timeouts, allowed, Arc::new(SystemNames))
    }

    /// A guard that resolves with `names`.
    ///
    /// # Errors
    /// Internal, when the TLS backend can't start.
    pub fn with_names(timeouts: Timeouts, allowed: Allowed, names: Arc<dyn Names>) -> Result<Self> {
        let allowed = Arc::new(allowed);
        let client = builder(timeouts)
            .no_proxy()
            .dns_resolver(CheckedNames {
                allowed: Arc::clone(&allowed),
                names,
            })
            .build()
            .map_err(Error::internal)?;
        Ok(Guarded { client, allowed })
    }

    /// The client for `url` and no other address: names are checked whenever it
    /// connects, and an address that is written out as numbers here, since no name is
    /// resolved for it.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` when it may not be called.
    pub fn client_for(&self, url: &Url) -> Result<Client> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("address", "must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("address", "must not hold a user name or password"));
        }
        let literal = match url.host() {
            None => return Err(invalid("address", "must name a host")),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
        };
        if literal.is_some_and(|ip| !is_public(ip) && !self.allowed.address(ip)) {
            let why = Refusal.to_string();
            let why = why.trim_start_matches("The address ").trim_end_matches('.');
            return Err(invalid("address", why));
        }
        Ok(self.client.clone())
    }
}

/// The refusal that `error` came from, if it did.
pub fn refusal(error: &reqwest::Error) -> Option<&Refusal> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(refusal) = error.downcast_ref() {
            return Some(refusal);
        }
        source = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
