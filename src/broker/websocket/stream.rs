//! A WebSocket as a stream of bytes.
//!
//! Where packets begin and end has nothing to do with frames: a frame may hold
//! many, and a packet may span several [MQTT-6.0.0-2].

use std::fmt::Display;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::{Buf, Bytes};
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads what binary frames carry; writes each buffer as a binary frame.
#[derive(Debug)]
pub struct Bytestream<S = WebSocket> {
    socket: S,
    /// What is left of the frame that is being read.
    left: Bytes,
    /// What to tell the client when the stream is shut down.
    closing: Option<Message>,
}

impl<S> Bytestream<S> {
    pub fn new(socket: S) -> Bytestream<S> {
        Bytestream {
            socket,
            left: Bytes::new(),
            closing: Some(farewell(close_code::NORMAL, "")),
        }
    }
}

impl<S, E> AsyncRead for Bytestream<S>
where
    S: Stream<Item = Result<Message, E>> + Unpin,
    E: Display,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.left.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(data))) => self.left = data,
                // The library answers pings.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                // [MQTT-6.0.0-1]
                Some(Ok(Message::Text(_))) => {
                    let why = "MQTT is sent in binary frames";
                    self.closing = Some(farewell(close_code::UNSUPPORTED, why));
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
                }
                Some(Err(error)) => {
                    let why = "a frame is no frame, or is longer than a packet may be";
                    self.closing = Some(farewell(close_code::PROTOCOL, why));
                    return Poll::Ready(Err(broken(error)));
                }
            }
        }
        let length = self.left.len().min(buf.remaining());
        buf.put_slice(&self.left[..length]);
        self.left.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<S, E> AsyncWrite for Bytestream<S>
where
    S: Sink<Message, Error = E> + Unpin,
    E: Display,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut socket = Pin::new(&mut self.socket);
        // Not ready before the frame before this one has left, so that a
        // client that does not read is waited for.
        ready!(socket.as_mut().poll_ready(cx)).map_err(broken)?;
        let frame = Message::Binary(Bytes::copy_from_slice(buf));
        socket.start_send(frame).map_err(broken)?;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = Pin::new(&mut self.socket);
        socket.poll_flush(cx).map_err(broken)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_some() {
            ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(broken)?;
        }
        if let Some(farewell) = self.closing.take() {
            let socket = Pin::new(&mut self.socket);
            socket.start_send(farewell).map_err(broken)?;
        }
        let socket = Pin::new(&mut self.socket);
        socket.poll_close(cx).map_err(broken)
    }
}

fn farewell(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame {
        code,
        reason: reason.into(),
    }))
}

fn broken(error: impl Display) -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, error.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A socket whose client has sent all it will, and takes so many frames
    /// before it stops reading.
    #[derive(Default)]
    struct Script {
        incoming: VecDeque<Message>,
        sent: Vec<Message>,
        room: usize,
    }

    impl Stream for Script {
        type Item = Result<Message, Infallible>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.incoming.pop_front().map(Ok))
        }
    }

    impl Sink<Message> for Script {
        type Error = Infallible;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            match self.room {
                0 => Poll::Pending,
                _ => Poll::Ready(Ok(())),
            }
        }

        fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Infallible> {
            self.room -= 1;
            self.sent.push(message);
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
    }

    fn stream(incoming: impl IntoIterator<Item = Message>, room: usize) -> Bytestream<Script> {
        Bytestream::new(Script {
            incoming: incoming.into_iter().collect(),
            room,
            ..Script::default()
        })
    }

    fn binary(data: &'static str) -> Message {
        Message::Binary(data.into())
    }

    #[tokio::test]
    async fn frames_are_joined_whatever_their_size() {
        let ping = Message::Ping(Bytes::new());
        let mut stream = stream([binary("a"), ping, binary(""), binary("bcdef")], 0);
        let mut three = [0; 3];
        stream.read_exact(&mut three).await.unwrap();
        assert_eq!(&three, b"abc");
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "def");
    }

    #[tokio::test]
    async fn a_text_frame_ends_the_connection() {
        let mut stream = stream([Message::Text("hello".into())], 1);
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        stream.shutdown().await.unwrap();
        let Some(Message::Close(Some(close))) = stream.socket.sent.pop() else {
            panic!("no reason given");
        };
        assert_eq!(close.code, close_code::UNSUPPORTED);
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_waited_for() {
        let mut stream = stream([], 1);
        stream.write_all(b"one").await.unwrap();
        let second = tokio::time::timeout(
            std::time::Duration::from_millis(10),
            stream.write_all(b"two"),
        );
        assert!(second.await.is_err());
        assert_eq!(stream.socket.sent, [binary("one")]);
    }
}
