//! The engine of the program: the library itself.

use softq::Result;
use softq::gpu::{self, AdapterReport, Choice};

use super::engine::Engine;

/// The library as the program's [`Engine`].
pub struct Library;

impl Engine for Library {
    fn adapters(&self) -> Vec<AdapterReport> {
        gpu::adapters()
    }

    fn choices(&self, adapters: &[AdapterReport]) -> Vec<(String, Result<Choice>)> {
        gpu::list_choices(adapters)
    }
}
