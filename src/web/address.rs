//! The address of the client that a request comes from.

use std::net::IpAddr;

use actix_web::{HttpRequest, http::header::X_FORWARDED_FOR};

/// The client's address, with `hops` proxies of ours before us.
///
/// Each proxy adds whom it heard from at the end of `X-Forwarded-For`. What stands before
/// the entries of ours is the client's own invention, and is not looked at. A request with
/// fewer entries did not come through all proxies: then it is the one that we hear.
pub fn client_address(request: &HttpRequest, hops: usize) -> Option<IpAddr> {
    let heard = request.peer_addr().map(|address| address.ip());
    let Some(skipped) = hops.checked_sub(1) else {
        return heard;
    };
    let entries: Vec<&str> = request
        .headers()
        .get_all(X_FORWARDED_FOR)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .collect();
    let told = entries.iter().rev().nth(skipped);
    told.and_then(|entry| address(entry.trim())).or(heard)
}

/// An address, perhaps with a port, as some proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.trim_start_matches('[').trim_end_matches(']');
    plain
        .parse()
        .ok()
        .or_else(|| Some(text.parse::<std::net::SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn told(hops: usize, lines: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr("10.0.0.9:80".parse().unwrap());
        for line in lines {
            request = request.append_header((X_FORWARDED_FOR, *line));
        }
        let request = request.to_http_request();
        client_address(&request, hops).unwrap().to_string()
    }

    #[test]
    fn without_proxies_of_ours_the_header_is_the_clients_invention() {
        assert_eq!(told(0, &["1.2.3.4"]), "10.0.0.9");
    }

    #[test]
    fn the_entry_of_our_outermost_proxy_counts_and_no_other() {
        assert_eq!(told(1, &["6.6.6.6, 1.2.3.4"]), "1.2.3.4");
        assert_eq!(told(2, &["6.6.6.6, 1.2.3.4", "10.0.0.8"]), "1.2.3.4");
        assert_eq!(told(1, &["[2001:db8::1]:443"]), "2001:db8::1");
    }

    #[test]
    fn what_is_missing_or_no_address_leaves_the_one_we_hear() {
        assert_eq!(told(1, &[]), "10.0.0.9");
        assert_eq!(told(2, &["1.2.3.4"]), "10.0.0.9");
        assert_eq!(told(1, &["unknown"]), "10.0.0.9");
    }
}
