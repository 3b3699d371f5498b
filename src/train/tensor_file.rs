//! Files of tensors in the safetensors format, with a digest of everything in their metadata, so that no changed bit goes
//! unnoticed: what `model.safetensors` and checkpoints have in common.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::error::{Error, Result};
use crate::train::checksums::sha256;

/// The key of the metadata that holds the SHA-256 of everything else in the file.
const DIGEST: &str = "sha256";

/// A tensor as it lies in a file.
pub struct Plain<'a> {
    /// Its name.
    pub name: String,
    /// What an element is.
    pub dtype: Dtype,
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Elements, little endian.
    pub bytes: Cow<'a, [u8]>,
}

/// What a file holds.
pub struct TensorFile<'a> {
    /// Tensors.
    pub tensors: Vec<Plain<'a>>,
    /// `__metadata__`; other programs need not write any.
    pub metadata: BTreeMap<String, String>,
    /// Whether the file says itself what its content must be, and it is.
    pub checked: bool,
}

/// Bytes of a file called `name` of these tensors, with a digest of it all in its metadata. The crate keeps metadata in a
/// hash map whose order changes from process to process, so they are put into the header here, sorted.
pub fn bytes(name: &str, tensors: &[Plain], metadata: BTreeMap<&str, String>) -> Result<Vec<u8>> {
    let failed = |e: &dyn std::fmt::Display| Error::file("write", name, e);
    let views = tensors
        .iter()
        .map(|t| Ok((t.name.as_str(), TensorView::new(t.dtype, t.shape.clone(), &t.bytes)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| failed(&e))?;
    let plain = safetensors::serialize(views, None).map_err(|e| failed(&e))?;
    with_metadata(&plain, &metadata).map_err(|e| failed(&e))
}

/// Reads the bytes of a file, which must be what the file itself states.
pub fn read<'a>(path: &Path, bytes: &'a [u8]) -> Result<TensorFile<'a>> {
    let failed = |e: &dyn std::fmt::Display| Error::file("read", path, e);
    let no_file = |e: &dyn std::fmt::Display| failed(&format!("it is no whole safetensors file: {e}"));
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| no_file(&e))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| no_file(&e))?;
    let (mut entries, data) = parts(bytes).map_err(|e| no_file(&e))?;
    let stated = take_digest(&mut entries);
    if let Some(stated) = &stated
        && *stated != digest(&entries, data).map_err(|e| no_file(&e))?
    {
        let message = "its content is not what it was when it was saved (SHA-256): it was damaged or altered";
        return Err(failed(&message));
    }
    let plain = |(name, view): (String, TensorView<'a>)| Plain {
        name,
        dtype: view.dtype(),
        shape: view.shape().to_vec(),
        bytes: Cow::Borrowed(view.data()),
    };
    Ok(TensorFile {
        tensors: file.tensors().into_iter().map(plain).collect(),
        metadata: header.metadata().clone().unwrap_or_default().into_iter().collect(),
        checked: stated.is_some(),
    })
}

type Header = BTreeMap<String, serde_json::Value>;
type Failure = Box<dyn std::error::Error>;

/// Format: header length as u64 little endian, JSON header padded with spaces to a multiple of 8, data.
fn parts(bytes: &[u8]) -> std::result::Result<(Header, &[u8]), Failure> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or("no header")?;
    let (header, data) =
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length))?).ok_or("short header")?;
    Ok((serde_json::from_slice(header)?, data))
}

/// SHA-256 of the header, sorted and without the digest itself, and the data.
fn digest(entries: &Header, data: &[u8]) -> std::result::Result<String, Failure> {
    Ok(sha256(&[serde_json::to_string(entries)?.as_bytes(), data]))
}

fn take_digest(entries: &mut Header) -> Option<String> {
    let digest = entries.get_mut("__metadata__")?.as_object_mut()?.remove(DIGEST)?;
    Some(digest.as_str().unwrap_or_default().to_owned())
}

fn with_metadata(plain: &[u8], metadata: &BTreeMap<&str, String>) -> std::result::Result<Vec<u8>, Failure> {
    let (mut entries, data) = parts(plain)?;
    entries.insert("__metadata__".into(), serde_json::to_value(metadata)?);
    let stated = digest(&entries, data)?;
    let mut metadata = metadata.clone();
    metadata.insert(DIGEST, stated);
    entries.insert("__metadata__".into(), serde_json::to_value(metadata)?);
    let mut header = serde_json::to_string(&entries)?;
    while header.len() % 8 != 0 {
        header.push(' ');
    }
    Ok([&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat())
}
