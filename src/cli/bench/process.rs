//! Other processes: started, watched from outside, stopped.

use anyhow::Context as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with its owner.
pub(super) struct Process(Child);

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_mins(1);

/// Ticks of `/proc` in a second on every Linux that we run on (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

impl Process {
    /// Starts a command without input or output; what it complains of is seen.
    pub(super) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = quiet.spawn();
        let name = || command.get_program().display().to_string();
        Ok(Self(child.with_context(name)?))
    }

    /// Waits until somebody listens at an address.
    pub(super) async fn listening(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        while tokio::net::TcpStream::connect(address).await.is_err() {
            let ended = self.0.try_wait()?;
            anyhow::ensure!(ended.is_none(), "a server ended before it listened");
            anyhow::ensure!(Instant::now() < until, "a server does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// CPU seconds of all its threads so far.
    pub(super) fn spent(&self) -> anyhow::Result<f64> {
        spent(self.0.id())
    }

    /// Waits for its end and says how much memory it held at most, in bytes.
    pub(super) fn peak(mut self) -> anyhow::Result<u64> {
        let mut peak = 0;
        let ended = loop {
            if let Some(ended) = self.0.try_wait()? {
                break ended;
            }
            // The high-water mark only rises: what is missed is what it rose in the last two milliseconds.
            peak = memory(self.0.id(), "VmHWM").unwrap_or(peak);
            std::thread::sleep(Duration::from_millis(2));
        };
        anyhow::ensure!(ended.success(), "a command failed: {ended}");
        Ok(peak)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// CPU seconds of a process.
pub(super) fn spent(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Behind the name, which may hold anything: state is field 3, user and system time are 14 and 15.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: Vec<f64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

/// CPU seconds of a process and its children.
pub(super) fn spent_by_family(pid: u32) -> anyhow::Result<f64> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    let mut sum = spent(pid)?;
    for child in children.split_whitespace() {
        // One that ended since then is not counted.
        sum += spent(child.parse()?).unwrap_or(0.0);
    }
    Ok(sum)
}

/// A line of `/proc/PID/status`, in bytes.
pub(super) fn memory(pid: u32, line: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|text| text.starts_with(line))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1_024)
}
