//! Times that contradict each other: each is allowed by itself, and together one of them
//! does nothing or does harm. The program starts and says so.

use super::Config;

impl Config {
    /// A sentence for each pair of times that contradict each other.
    pub fn contradictions(&self) -> Vec<String> {
        let request = ("server.request_seconds", self.server.request_seconds * 1000);
        let ms = |seconds: u64| seconds.saturating_mul(1000);
        let pairs = [
            (
                (
                    "database.acquire_timeout_ms",
                    self.database.acquire_timeout_ms,
                ),
                request,
                "a request ends before it is told that no connection was free",
            ),
            (
                (
                    "database.statement_timeout_ms",
                    self.database.statement_timeout_ms,
                ),
                request,
                "a statement runs on when the request that waits for it has ended",
            ),
            (
                ("embedder.question_ms", self.embedder.question_ms),
                request,
                "a search ends before it goes on without the vector of its question",
            ),
            (
                ("reranker.wait_ms", self.reranker.wait_ms),
                request,
                "a search ends before it goes on without another order",
            ),
            (
                ("models.idle_seconds", ms(self.models.idle_seconds)),
                ("models.total_seconds", ms(self.models.total_seconds)),
                "no model is ever silent for so long",
            ),
            (
                ("models.total_seconds", ms(self.models.total_seconds)),
                ("agent.max_seconds", ms(self.agent.max_seconds)),
                "an execution ends before its model may be given up",
            ),
            (
                ("ingest.cpu_seconds", ms(self.ingest.cpu_seconds)),
                ("ingest.wall_seconds", ms(self.ingest.wall_seconds)),
                "no document is ever read for so long",
            ),
            (
                ("agent.lease_seconds", ms(self.agent.lease_seconds.into())),
                ("nodes.lock_seconds", ms(self.nodes.lock_seconds.into())),
                "the lock of a run's node ends before another worker may take the run over",
            ),
        ];
        pairs
            .into_iter()
            .filter(|((_, shorter), (_, longer), _)| shorter > longer)
            .map(|((shorter, _), (longer, _), so)| {
                format!("{shorter} is longer than {longer}: {so}.")
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::from_env;

    #[test]
    fn the_defaults_contradict_nothing() {
        assert_eq!(
            from_env(&[]).unwrap().contradictions(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_pair_is_told_by_its_names() {
        for (name, value, others) in [
            ("SERVER__REQUEST_SECONDS", "2", 4),
            ("MODELS__IDLE_SECONDS", "601", 1),
            ("AGENT__MAX_SECONDS", "599", 1),
            ("INGEST__WALL_SECONDS", "29", 1),
            ("NODES__LOCK_SECONDS", "29", 1),
        ] {
            let name = format!("GLASSBOX_{name}");
            let config = from_env(&[(&name, value), ("GLASSBOX_RERANKER__WAIT_MS", "2001")]);
            let told = config.unwrap().contradictions();
            assert_eq!(told.len(), others, "{name}: {told:?}");
        }
    }
}
