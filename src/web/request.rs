//! The id of the request being served, known to everything below it.

tokio::task_local! {
    /// The id of the request that this task serves.
    pub static REQUEST_ID: RequestId;
}

/// A request's id: the client's own when it is sane, else one of ours.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    /// Takes a client's id if it has 1 to 100 plain characters.
    pub fn from_client(text: &str) -> Option<Self> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || b"-_.:/+=".contains(&c);
        let sane = (1..=100).contains(&text.len()) && text.bytes().all(plain);
        sane.then(|| RequestId(text.to_owned()))
    }

    /// An id of ours.
    pub fn ours(ids: &dyn crate::kernel::clock::Ids) -> Self {
        RequestId(ids.uuid().to_string())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of the request that this task serves, if it serves one.
pub fn current_request_id() -> Option<String> {
    REQUEST_ID.try_with(|id| id.0.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_ids_of_clients_are_not_kept() {
        assert!(RequestId::from_client("abc-123").is_some());
        for odd in ["", "a b", "a\nb", "ü", &"x".repeat(101)] {
            assert!(RequestId::from_client(odd).is_none(), "{odd:?}");
        }
    }
}
