//! How Amazon's services, and servers that speak like them, are reached: who we are
//! there, where they are, how long they may take.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::config::Credentials;
use secrecy::{ExposeSecret, SecretString};

const CONNECT: Duration = Duration::from_secs(5);

/// What settings say of a service; what is empty is as the machine's AWS settings say.
pub(super) struct Place<'a> {
    pub region: &'a str,
    /// Another server than Amazon's.
    pub endpoint: &'a str,
    pub access_key_id: &'a str,
    pub secret_access_key: &'a SecretString,
    /// How long one try may take until it is answered.
    pub answer: Duration,
}

/// Finds out who we are; that may ask the machine's services.
pub(super) async fn connect(place: &Place<'_>) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(place.answer)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
    if !place.region.is_empty() {
        loader = loader.region(Region::new(place.region.to_owned()));
    }
    if !place.endpoint.is_empty() {
        loader = loader.endpoint_url(place.endpoint);
    }
    if !place.access_key_id.is_empty() {
        let secret = place.secret_access_key.expose_secret();
        let id = place.access_key_id;
        loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "settings"));
    }
    loader.load().await
}
