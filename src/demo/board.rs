//! Runs a board's program on its serial port, at the speed of a serial line.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, sleep_until};

use super::physics::House;
use super::program::Program;
use super::pty::Pty;
use crate::clock::{Clock, Moment};

/// Bytes that pass in a millisecond at 115200 bits per second: ten bits each.
const BYTES_PER_MS: usize = 11;
/// How soon a board notices that its port was opened.
const GLANCE: Duration = Duration::from_millis(50);

/// The house that all boards are in. Cheap to clone.
#[derive(Clone)]
pub struct Shared {
    clock: Clock,
    house: Arc<Mutex<(House, Moment)>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    /// A house whose time passes from now on.
    pub fn new(house: House, clock: Clock) -> Shared {
        Shared {
            clock,
            house: Arc::new(Mutex::new((house, clock.now().moment))),
        }
    }

    /// Lets time pass up to now, then looks at the house or changes it.
    pub fn now<T>(&self, look: impl FnOnce(Moment, &mut House) -> T) -> T {
        let mut house = self.house.lock().unwrap_or_else(PoisonError::into_inner);
        let (house, last) = &mut *house;
        let now = self.clock.now().moment;
        house.pass(now.since(*last));
        *last = now;
        look(now, house)
    }
}

/// A board on a port.
#[derive(Debug)]
pub struct Board {
    pty: Pty,
    program: Program,
    house: Shared,
    clock: Clock,
    line: Line,
}

/// DTR as the board feels it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// The port is closed; opening it resets the board if DTR was let go.
    Closed {
        reset_on_open: bool,
    },
    Open,
}

impl Board {
    /// A board with a program, plugged into `pty`.
    pub fn new(program: impl Into<Program>, pty: Pty, house: Shared, clock: Clock) -> Board {
        Board {
            pty,
            program: program.into(),
            house,
            clock,
            line: Line::Closed {
                reset_on_open: true,
            },
        }
    }

    /// Runs until the port fails. Dropping the future unplugs the board.
    ///
    /// # Errors
    /// The system's.
    pub async fn run(mut self) -> io::Result<()> {
        loop {
            self.feel_dtr()?;
            let now = self.clock.now().moment;
            let wake = self.program.next_wake().min(now + GLANCE);
            let mut buffer = [0; BYTES_PER_MS];
            tokio::select! {
                read = self.pty.read(&mut buffer) => self.receive(&buffer[..read?]).await,
                () = sleep_until(self.clock.instant(wake)) => self.loop_once().await?,
            }
        }
    }

    /// An Uno is reset by the edge of DTR that the opening of its port makes.
    fn feel_dtr(&mut self) -> io::Result<()> {
        let open = self.pty.is_open()?;
        match self.line {
            Line::Closed { reset_on_open } if open => {
                if reset_on_open {
                    self.house.now(|now, house| self.program.reset(now, house));
                }
                self.line = Line::Open;
            }
            Line::Open if !open => {
                let reset_on_open = self.pty.hangs_up_on_close()?;
                self.line = Line::Closed { reset_on_open };
            }
            _ => {}
        }
        Ok(())
    }

    async fn receive(&mut self, bytes: &[u8]) {
        self.house
            .now(|now, house| self.program.receive(bytes, now, house));
        sleep(Duration::from_millis(1)).await;
    }

    async fn loop_once(&mut self) -> io::Result<()> {
        let sent = self.house.now(|now, house| self.program.run(now, house));
        if self.line == Line::Open {
            for millisecond in sent.chunks(BYTES_PER_MS) {
                self.pty.print(millisecond)?;
                sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use hearth_wire::board::ResetCause;
    use tokio::io::{
        AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines, ReadHalf, WriteHalf,
    };
    use tokio::task::JoinSet;
    use tokio_serial::{SerialPortBuilderExt, SerialStream};

    use super::*;
    use crate::demo::firmware::Firmware;
    use crate::demo::served::Served;
    use crate::demo::sketch::{Place, Sketch};
    use crate::demo::wiring::Wiring;

    type Printed = Lines<BufReader<ReadHalf<SerialStream>>>;

    fn plug_in(program: impl Into<Program>) -> (PathBuf, Shared, JoinSet<io::Result<()>>) {
        let clock = Clock::start();
        let house = Shared::new(House::new(1), clock);
        let pty = Pty::open().unwrap();
        let path = pty.path().to_owned();
        let mut running = JoinSet::new();
        running.spawn(Board::new(program, pty, house.clone(), clock).run());
        (path, house, running)
    }

    /// As the gateway would: 115200 bits per second, exclusive.
    fn open(path: &std::path::Path) -> (Printed, WriteHalf<SerialStream>) {
        let port = tokio_serial::new(path.to_string_lossy(), 115_200);
        let (read, write) = tokio::io::split(port.open_native_async().unwrap());
        (BufReader::new(read).lines(), write)
    }

    async fn line_with(printed: &mut Printed, part: &str) -> String {
        loop {
            let line = printed.next_line().await.unwrap().unwrap();
            if line.contains(part) {
                return line;
            }
        }
    }

    #[tokio::test]
    async fn a_program_that_opens_the_port_reads_and_commands_the_board() {
        let (path, house, _running) = plug_in(Sketch::new(Place::Porch, Moment(0)));
        let (mut printed, mut commands) = open(&path);
        line_with(&mut printed, "setup done").await;
        line_with(&mut printed, "lamp off").await;
        commands.write_all(b"lamp on\n").await.unwrap();
        line_with(&mut printed, "lamp on").await;
        assert!(house.now(|_, house| house.porch.lamp));
    }

    #[tokio::test]
    async fn a_burst_beyond_the_receive_buffer_does_not_stop_the_board() {
        let (path, house, _running) = plug_in(Sketch::new(Place::Porch, Moment(0)));
        let (mut printed, mut commands) = open(&path);
        line_with(&mut printed, "lamp off").await;
        commands.write_all(&[b'x'; 3000]).await.unwrap();
        // The burst swallows what comes with it; later commands arrive.
        while !house.now(|_, house| house.porch.lamp) {
            commands.write_all(b"\nlamp on\n").await.unwrap();
            line_with(&mut printed, "lamp").await;
        }
    }

    /// Serves the board at the other end of the line until something is so.
    async fn serve_until(
        line: &mut SerialStream,
        served: &mut Served,
        mut done: impl FnMut(&Served) -> bool,
    ) {
        let mut buffer = [0; 256];
        while !done(served) {
            let read = line.read(&mut buffer).await.unwrap();
            served.take(&buffer[..read]);
            line.write_all(&served.take_answers()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_gateway_that_opens_the_port_serves_the_firmware() {
        let wiring = Wiring::Greenhouse;
        let (path, house, _running) = plug_in(Firmware::new(wiring, Moment(0)));
        let port = tokio_serial::new(path.to_string_lossy(), 115_200);
        let (mut line, mut served) = (port.open_native_async().unwrap(), Served::new(wiring));
        let said = |served: &Served, thing, value| {
            served.values.get(thing).is_some_and(|said| said == value)
        };
        serve_until(&mut line, &mut served, |served| served.is_in_force).await;
        serve_until(&mut line, &mut served, |served| said(served, "pump", "off")).await;
        // As the opening of the port resets an Uno.
        assert_eq!(served.vitals.unwrap().cause, ResetCause::External);
        assert_eq!(served.connects, ["uno-0de30002"]);

        served.command("pump", "on");
        line.write_all(&served.take_answers()).await.unwrap();
        serve_until(&mut line, &mut served, |served| said(served, "pump", "on")).await;
        assert!(house.now(|_, house| house.greenhouse.pump));

        house.now(|_, house| house.greenhouse.temperature = 31.0);
        let is_warm = |served: &Served| {
            let warmth = served.values.get("temperature");
            warmth.is_some_and(|warmth| warmth.parse::<f64>().unwrap() > 30.0)
        };
        serve_until(&mut line, &mut served, is_warm).await;
    }
}
