//! A line on stderr when a driver takes long to compile a kernel, so that silence is not taken for a hang.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use softq::gpu::compiling;

/// Compilations that take longer are told.
pub const AFTER: Duration = Duration::from_secs(3);

/// Watches compilations until it is dropped.
pub struct Patience(Option<(Sender<()>, JoinHandle<()>)>);

/// Tells of each kernel that is compiled for longer than `after`. Without threads to spare nothing is told.
pub fn watch(after: Duration, tell: impl Fn(&str) + Send + 'static) -> Patience {
    let (stop, stopped) = channel::<()>();
    let mut told = String::new();
    let work = move || {
        while stopped.recv_timeout(after / 8) == Err(RecvTimeoutError::Timeout) {
            let Some((kernel, since)) =
                compiling().filter(|(kernel, since)| *since >= after && *kernel != told)
            else {
                continue;
            };
            tell(&format!(
                "the driver is still compiling kernel {kernel} ({:.0} s so far); large states, long arrays and many branches take \
                 long",
                since.as_secs_f64()
            ));
            told = kernel;
        }
    };
    Patience(Builder::new().name("softq-patience".into()).spawn(work).ok().map(|thread| (stop, thread)))
}

impl Drop for Patience {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            // It only waits and prints; how it ends changes nothing.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use softq::gpu::Compiling;

    #[test]
    fn a_long_compilation_is_told_once() {
        let (tell, told) = channel();
        let patience = watch(Duration::from_millis(20), move |text: &str| {
            tell.send(text.to_owned()).expect("the test listens");
        });
        let compilation = Compiling::begin("act_step+world".into());
        let text = told.recv_timeout(Duration::from_secs(20)).expect("told");
        assert!(text.contains("kernel act_step+world"), "{text}");
        drop(compilation);
        drop(patience);
        assert!(told.recv().is_err(), "told once");
    }
}
