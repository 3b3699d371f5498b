//! Environment logs: the environment as the header describes it, and the family of its lines.

use serde_json::Value;

use crate::verify::conformance::compare::Comparison;
use crate::verify::conformance::device::Device;
use crate::verify::conformance::log::Log;
use crate::verify::conformance::report::{Outcome, malformed, unsupported};
use crate::verify::conformance::variant::Construction;
use crate::verify::conformance::{autoreset, bsuite, classic, minatar, toy_text};

/// Replays one log.
pub fn replay(
    log: &Log,
    tolerances: Option<&Value>,
    device: &mut Device<'_>,
    comparison: &mut Comparison,
) -> Outcome<()> {
    let header = &log.header;
    let Some(id) = header.text("env") else {
        return unsupported("the header names no environment");
    };
    if id == autoreset::ENV {
        autoreset::replay(log, tolerances, device, comparison)?;
    } else if id.ends_with("-bsuite") {
        bsuite::replay(log, id, device, comparison)?;
    } else if id.starts_with("MinAtar/") {
        minatar::replay(log, id, device, comparison)?;
    } else {
        let construction = Construction {
            id,
            arguments: header.get("kwargs"),
            map: header.get("desc"),
            limit: header.get("max_episode_steps"),
        };
        let opened = construction.open()?;
        if header.has("state_fields") {
            classic::replay(log, opened, tolerances, device, comparison)?;
        } else {
            toy_text::replay(log, opened, device, comparison)?;
        }
    }
    if comparison.cases == 0 {
        return malformed("there is nothing to compare");
    }
    Ok(())
}
