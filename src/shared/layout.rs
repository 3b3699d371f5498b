//! Memory layout shared by Rust and WGSL: plain scalars and flat structs of 4-byte fields.
//!
//! Only `u32` and `f32` fields are allowed, so a `#[repr(C)]` struct and the WGSL struct of the same fields have the same
//! offsets; a test reflects every shader and checks it anyway.
//!
//! ```
//! use softq::shared::layout::{Field, GpuScalar, GpuType, Layout, Scalar};
//!
//! softq::gpu_struct! {
//!     /// A ball.
//!     pub struct Ball {
//!         /// Its height.
//!         pub height: f32,
//!         /// How often it was hit.
//!         pub hits: u32,
//!     }
//! }
//!
//! let Layout::Struct { name, size, fields } = Ball::LAYOUT else { panic!("a struct") };
//! assert_eq!((name, size, fields.len()), ("Ball", 8, 2));
//! assert_eq!(fields[1], Field { name: "hits", offset: 4, scalar: Scalar::U32 });
//! // The types that fields and elements may have.
//! assert_eq!(<f32 as GpuScalar>::SCALAR.word(), "f32");
//! assert_eq!(<f32 as GpuType>::LAYOUT, Layout::Scalar(Scalar::F32));
//! ```

/// A 4-byte scalar type of WGSL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// `f32`
    F32,
    /// `u32`
    U32,
}

/// Whether the device reads `number` as what it is: zero, or neither infinite nor subnormal as f32 (devices may take
/// subnormal numbers for zero).
///
/// ```
/// use softq::shared::layout::fits_f32;
///
/// assert!(fits_f32(0.0) && fits_f32(-1e-37) && fits_f32(1e38));
/// assert!(!fits_f32(1e-40) && !fits_f32(1e39));
/// ```
pub fn fits_f32(number: f64) -> bool {
    number == 0.0 || (number as f32).is_normal()
}

impl Scalar {
    /// Its name in WGSL.
    pub fn word(self) -> &'static str {
        match self {
            Scalar::F32 => "f32",
            Scalar::U32 => "u32",
        }
    }
}

/// One field of a [`Layout::Struct`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, the same in Rust and WGSL.
    pub name: &'static str,
    /// Byte offset.
    pub offset: u32,
    /// Type.
    pub scalar: Scalar,
}

/// Layout of one buffer element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A scalar.
    Scalar(Scalar),
    /// A flat struct.
    Struct {
        /// WGSL name.
        name: &'static str,
        /// Size in bytes.
        size: u32,
        /// Fields in order.
        fields: &'static [Field],
    },
    /// A struct that the environment file declares (`State`); its size is known once a file is chosen.
    EnvState,
    /// The environment file's `EnvParams`, likewise.
    EnvParams,
}

/// A type that may live in a GPU buffer.
pub trait GpuType: bytemuck::Pod {
    /// Its layout.
    const LAYOUT: Layout;
}

impl GpuType for f32 {
    const LAYOUT: Layout = Layout::Scalar(Scalar::F32);
}

impl GpuType for u32 {
    const LAYOUT: Layout = Layout::Scalar(Scalar::U32);
}

/// Scalar types usable as struct fields.
pub trait GpuScalar {
    /// Which scalar.
    const SCALAR: Scalar;
}

impl GpuScalar for f32 {
    const SCALAR: Scalar = Scalar::F32;
}

impl GpuScalar for u32 {
    const SCALAR: Scalar = Scalar::U32;
}

/// Declares a struct that Rust and WGSL share: `#[repr(C)]`, plain data, with its [`Layout`].
#[macro_export]
macro_rules! gpu_struct {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $ty:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty),+ }

        impl $crate::shared::layout::GpuType for $name {
            const LAYOUT: $crate::shared::layout::Layout = $crate::shared::layout::Layout::Struct {
                name: stringify!($name),
                size: std::mem::size_of::<$name>() as u32,
                fields: &[$($crate::shared::layout::Field {
                    name: stringify!($field),
                    offset: std::mem::offset_of!($name, $field) as u32,
                    scalar: <$ty as $crate::shared::layout::GpuScalar>::SCALAR,
                }),+],
            };
        }
    };
}
