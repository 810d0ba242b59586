//! A connection that HTTP lets go of when a socket takes it over.
//!
//! The library keeps the buffers and the state of HTTP for as long as a connection lasts, which
//! is several times what an idle socket needs. So it is given a [`Wire`], not the connection
//! itself. Who answers an upgrade asks for the connection with the answer's [`Handover`]: from
//! then on the library sees the end of what comes in, and when it has written the answer and
//! closes the wire, the connection stays open and is [`Upgraded`].

use std::{
    cell::{RefCell, RefMut},
    convert::Infallible,
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
};

use actix_web::{
    HttpRequest,
    body::{BodySize, MessageBody},
    rt::net::TcpStream,
};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are read at a time after HTTP.
const PIECE: usize = 4 * 1024;

/// Whose a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// HTTP's.
    Http,
    /// Still HTTP's, until the answer is written.
    Asked,
    /// Taken over.
    Taken,
    /// Nobody's: it was closed as HTTP.
    Nobody,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    owner: Owner,
    /// Who waits for the connection.
    waiting: Option<Waker>,
}

impl Connection {
    fn go_to(&mut self, owner: Owner) {
        self.owner = owner;
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }
}

/// A connection as HTTP has it.
#[derive(Debug)]
pub struct Wire(Rc<RefCell<Connection>>);

impl Wire {
    /// A new connection's.
    pub fn of(stream: TcpStream) -> Self {
        Wire(Rc::new(RefCell::new(Connection {
            stream,
            owner: Owner::Http,
            waiting: None,
        })))
    }

    /// What the connection is once it is taken over.
    pub fn upgraded(&self) -> Upgraded {
        Upgraded(Rc::clone(&self.0))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut connection = self.0.borrow_mut();
        match connection.owner {
            Owner::Http => Pin::new(&mut connection.stream).poll_read(cx, buffer),
            // What comes now is not HTTP.
            Owner::Asked | Owner::Taken | Owner::Nobody => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut connection = self.0.borrow_mut();
        Pin::new(&mut connection.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut connection = self.0.borrow_mut();
        Pin::new(&mut connection.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut connection = self.0.borrow_mut();
        if connection.owner == Owner::Asked {
            connection.go_to(Owner::Taken);
        }
        match connection.owner {
            Owner::Taken => Poll::Ready(Ok(())),
            _ => Pin::new(&mut connection.stream).poll_shutdown(cx),
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let mut connection = self.0.borrow_mut();
        if connection.owner != Owner::Taken {
            connection.go_to(Owner::Nobody);
        }
    }
}

/// A connection that was HTTP.
#[derive(Debug, Clone)]
pub struct Upgraded(Rc<RefCell<Connection>>);

impl Upgraded {
    /// The connection that a request came by; none where it came by no [`Wire`].
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.conn_data::<Upgraded>().cloned()
    }

    /// Waits until the connection is taken over; false when it is gone.
    pub async fn taken(&self) -> bool {
        std::future::poll_fn(|cx| {
            let mut connection = self.0.borrow_mut();
            match connection.owner {
                Owner::Taken => Poll::Ready(true),
                Owner::Nobody => Poll::Ready(false),
                Owner::Http | Owner::Asked => {
                    connection.waiting = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn stream(&self) -> RefMut<'_, TcpStream> {
        RefMut::map(self.0.borrow_mut(), |connection| &mut connection.stream)
    }

    /// The next bytes that came; none at the end. Nothing is kept for them meanwhile.
    pub fn poll_bytes(&self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut space = [MaybeUninit::uninit(); PIECE];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut *self.stream()).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(buffer.filled())))
    }

    /// Writes of several pieces what the connection takes; answers how many bytes.
    pub fn poll_write(
        &self,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream()).poll_write_vectored(cx, pieces)
    }

    /// Says that nothing more is written.
    pub async fn end(&self) -> io::Result<()> {
        std::future::poll_fn(|cx| Pin::new(&mut *self.stream()).poll_shutdown(cx)).await
    }
}

/// The empty body of an answer after which the connection is to be taken over.
#[derive(Debug)]
pub struct Handover(pub Upgraded);

impl MessageBody for Handover {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut connection = self.0.0.borrow_mut();
        if connection.owner == Owner::Http {
            connection.owner = Owner::Asked;
        }
        Poll::Ready(None)
    }
}
