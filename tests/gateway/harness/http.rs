//! One HTTP request at a time, as simple as it gets.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::PATIENCE;

/// A response's status and body.
pub struct Response {
    pub status: u16,
    pub body: String,
}

/// `GET path` from loopback. HTTP/1.0, so that the end of the body is the end
/// of the connection.
pub fn get(port: u16, path: &str) -> io::Result<Response> {
    ask(port, &format!("GET {path}"), "", "")
}

/// `PUT path` of a JSON body.
#[allow(dead_code, reason = "not every program of tests changes something")]
pub fn put(port: u16, path: &str, json: &str) -> io::Result<Response> {
    let length = json.len();
    let head = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
    ask(port, &format!("PUT {path}"), &head, json)
}

/// `DELETE path`.
#[allow(dead_code, reason = "not every program of tests removes something")]
pub fn delete(port: u16, path: &str) -> io::Result<Response> {
    ask(port, &format!("DELETE {path}"), "", "")
}

/// `POST path` of some text.
#[allow(dead_code, reason = "not every program of tests posts something")]
pub fn post(port: u16, path: &str, text: &str) -> io::Result<Response> {
    let head = format!("Content-Length: {}\r\n", text.len());
    ask(port, &format!("POST {path}"), &head, text)
}

fn ask(port: u16, what: &str, head: &str, body: &str) -> io::Result<Response> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{what} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{head}\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse(answer: &str) -> Option<Response> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some(Response {
        status: head.split(' ').nth(1)?.parse().ok()?,
        body: body.to_owned(),
    })
}
