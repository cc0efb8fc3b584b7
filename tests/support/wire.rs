//! A wire to the mock that breaks: what no HTTP server can be asked to do.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// Passes connections on to `target` (`http://HOST:PORT`), except the first `broken` ones, each of which gets `answer`
/// after its first bytes and is then closed. Returns the address to use instead.
pub fn breaking(target: &str, broken: usize, answer: &'static str) -> String {
    let target = target.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for (i, client) in listener.incoming().map_while(Result::ok).enumerate() {
            if i < broken {
                break_off(client, answer);
            } else if let Ok(server) = TcpStream::connect(&target) {
                pass_on(client, server);
            }
        }
    });
    format!("http://{address}")
}

fn break_off(mut client: TcpStream, answer: &str) {
    let mut request = [0; 16 * 1024];
    let _ = client.read(&mut request);
    let _ = client.write_all(answer.as_bytes());
    let _ = client.shutdown(Shutdown::Both);
}

fn pass_on(client: TcpStream, server: TcpStream) {
    let (Ok(mut from_client), Ok(mut from_server)) = (client.try_clone(), server.try_clone()) else { return };
    let (mut to_client, mut to_server) = (client, server);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
}
