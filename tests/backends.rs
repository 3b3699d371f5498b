//! More than one driver: every usable adapter of this machine besides the default one runs the checks of `softq verify`.

mod common;

use softq::gpu;
use softq::verify::{self, Options};

#[test]
fn every_other_usable_adapter_passes_the_checks() {
    let Some(default) = common::gpu() else { return };
    let adapters = gpu::adapters();
    let others = adapters.iter().filter(|adapter| adapter.address != default.address);
    for adapter in others {
        if let Some(reason) = &adapter.unusable {
            eprintln!("{} LEFT OUT: {reason}", adapter.describe());
            continue;
        }
        let choice = gpu::choose(&adapter.address).expect("a usable adapter can be chosen");
        let mut executor = gpu::open(&choice).expect("a usable adapter opens");
        let options = Options { cases: 30, ..Options::default() };
        let mut differing = 0;
        let rows = verify::run(executor.as_mut(), &options, &mut |row| {
            differing += row.twin.map_or(0, |errors| errors.differing);
            Ok(())
        })
        .expect("the checks run");
        eprintln!("{}: {differing} words differ from the CPU twins", adapter.describe());
        for row in rows {
            assert!(row.passed, "{}: {}: {:?}", adapter.address, row.name, row.failures);
        }
    }
}
