//! An event file: records of TensorFlow's TFRecord format, each a message between its length and two masked CRC-32C.

use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc};
use prost::Message;
use serde_json::Value;

use crate::error::Result;
use crate::train::run_dir::RunDir;
use crate::train::sinks::appended::Appended;
use crate::train::sinks::scalars::Scalar;
use crate::train::sinks::tensorboard::proto::{Event, Summary, SummaryValue};

/// Readers look for `.tfevents.` in the name.
pub const NAME: &str = "events.out.tfevents.1.softq";

const CASTAGNOLI: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// An open event file.
pub struct EventFile(Appended);

impl EventFile {
    /// Creates the file in `dir`, or goes on from a checkpoint.
    pub fn open(dir: &RunDir, state: Option<&Value>) -> Result<EventFile> {
        if let Some(state) = state {
            return Appended::reopen(dir, NAME, state).map(EventFile);
        }
        let mut file = EventFile(Appended::create(dir, NAME)?);
        let first =
            Event { wall_time: now(), file_version: Some("brain.Event:2".into()), ..Event::default() };
        file.0.add(&record(&first))?;
        Ok(file)
    }

    /// What opening it again needs.
    pub fn state(&self) -> Result<Value> {
        self.0.state()
    }

    /// Cuts off what lies behind the state that it was opened with.
    pub fn cut(&mut self) -> Result<()> {
        self.0.cut()
    }

    /// Adds the numbers of one moment as one record.
    pub fn scalars(&mut self, env_steps: u64, values: &[Scalar]) -> Result<()> {
        let value = |(tag, value): &Scalar| SummaryValue {
            tag: (*tag).into(),
            simple_value: Some(*value as f32),
            metadata: None,
        };
        self.values(env_steps, values.iter().map(value).collect())
    }

    /// Adds values as one record.
    pub fn values(&mut self, env_steps: u64, value: Vec<SummaryValue>) -> Result<()> {
        let event = Event {
            wall_time: now(),
            step: i64::try_from(env_steps).unwrap_or(i64::MAX),
            summary: Some(Summary { value }),
            file_version: None,
        };
        self.0.add(&record(&event))
    }
}

/// Seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn record(event: &Event) -> Vec<u8> {
    let data = event.encode_to_vec();
    let length = (data.len() as u64).to_le_bytes();
    let [of_length, of_data] = [masked(&length), masked(&data)].map(u32::to_le_bytes);
    [&length[..], &of_length, &data, &of_data].concat()
}

/// The checksum as TFRecord stores it: rotated, and a constant added.
fn masked(bytes: &[u8]) -> u32 {
    CASTAGNOLI.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Reads a file back; every checksum must be right.
#[cfg(test)]
pub fn events(mut bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes[..4].try_into().expect("four bytes"));
    while let Some((length, rest)) = bytes.split_first_chunk::<8>() {
        assert_eq!(word(rest), masked(length));
        let data = &rest[4..][..u64::from_le_bytes(*length) as usize];
        let behind = &rest[4 + data.len()..];
        assert_eq!(word(behind), masked(data));
        events.push(Event::decode(data).expect("an event"));
        bytes = &behind[4..];
    }
    assert_eq!(bytes, b"");
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, B.4: 32 bytes of zeros, of ones, and ascending.
        assert_eq!(CASTAGNOLI.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(CASTAGNOLI.checksum(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(CASTAGNOLI.checksum(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
    }

    #[test]
    fn records_come_back_also_behind_a_checkpoint() {
        let root = tempfile::tempdir().expect("temporary directory");
        let dir = RunDir::create(root.path()).expect("directory");
        let mut file = EventFile::open(&dir, None).expect("create");
        file.scalars(64, &[("losses/alpha", 0.25), ("charts/SPS", 1e9)]).expect("add");
        let state = file.state().expect("state");
        file.scalars(128, &[("losses/alpha", 0.5)]).expect("lost");
        let mut file = EventFile::open(&dir, Some(&state)).expect("reopen");
        file.scalars(192, &[("losses/alpha", 0.75)]).expect("add");
        let read = events(&std::fs::read(dir.file(NAME)).expect("read"));
        assert_eq!(read[0].file_version.as_deref(), Some("brain.Event:2"));
        let steps: Vec<i64> = read.iter().map(|event| event.step).collect();
        assert_eq!(steps, [0, 64, 192]);
        let values = &read[1].summary.as_ref().expect("values").value;
        assert_eq!((values[0].tag.as_str(), values[0].simple_value), ("losses/alpha", Some(0.25)));
        assert_eq!(values[1].simple_value, Some(1e9));
        assert!(read[1].wall_time > 1.6e9);
    }
}
