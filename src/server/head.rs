//! HEAD on every path that answers to GET: the same headers, no body (RFC 9110, 9.3.2).

use actix_web::{
    Error,
    body::{self, BodySize, BoxBody, MessageBody, SizedStream},
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
};
use bytes::Bytes;
use futures_util::stream;

/// Serves HEAD as GET. Operations that GET have no effect, so nothing is done for nothing
/// but the reading.
pub async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let asked = request.method() == Method::HEAD;
    if asked {
        request.head_mut().method = Method::GET;
    }
    let response = next.call(request).await?;
    Ok(if asked {
        response.map_body(|_, whole| without_bytes(&whole))
    } else {
        response.map_into_boxed_body()
    })
}

/// A body that tells its length and has nothing in it. The connection sends no body for
/// HEAD, but would read a stream of events to its end, which may never come.
fn without_bytes(whole: &impl MessageBody) -> BoxBody {
    match whole.size() {
        BodySize::Sized(length) => {
            let nothing = stream::empty::<Result<Bytes, std::io::Error>>();
            BoxBody::new(SizedStream::new(length, nothing))
        }
        BodySize::None | BodySize::Stream => BoxBody::new(body::None::new()),
    }
}
