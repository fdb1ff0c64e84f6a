//! Tensors of a weight file.

use crate::error::WeightError;

/// The element type of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 8 bits, 4 of them exponent, without infinities (arXiv 2209.05433).
    F8E4M3,
    /// 8 bits, 5 of them exponent: the upper half of an `F16`.
    F8E5M2,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of an `F32`.
    Bf16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// 64-bit integers.
    I64,
    /// 32-bit integers.
    I32,
    /// 16-bit integers.
    I16,
    /// 8-bit integers.
    I8,
    /// 64-bit unsigned integers.
    U64,
    /// 32-bit unsigned integers.
    U32,
    /// 16-bit unsigned integers.
    U16,
    /// 8-bit unsigned integers.
    U8,
    /// Booleans, as 1 and 0.
    Bool,
}

impl Element {
    /// The element type of a storage class such as `torch.FloatStorage`.
    pub(crate) fn of_storage(class: &str) -> Option<Self> {
        Some(match class {
            "torch.HalfStorage" => Self::F16,
            "torch.BFloat16Storage" => Self::Bf16,
            "torch.FloatStorage" => Self::F32,
            "torch.DoubleStorage" => Self::F64,
            "torch.LongStorage" => Self::I64,
            "torch.IntStorage" => Self::I32,
            "torch.ShortStorage" => Self::I16,
            "torch.CharStorage" => Self::I8,
            "torch.ByteStorage" => Self::U8,
            "torch.BoolStorage" => Self::Bool,
            _ => return None,
        })
    }

    /// The element type of a `dtype` such as `torch.float8_e5m2`, which accompanies an untyped storage.
    pub(crate) fn of_dtype(dtype: &str) -> Option<Self> {
        Some(match dtype {
            "torch.float8_e4m3fn" => Self::F8E4M3,
            "torch.float8_e5m2" => Self::F8E5M2,
            "torch.float16" => Self::F16,
            "torch.bfloat16" => Self::Bf16,
            "torch.float32" => Self::F32,
            "torch.float64" => Self::F64,
            "torch.int64" => Self::I64,
            "torch.int32" => Self::I32,
            "torch.int16" => Self::I16,
            "torch.int8" => Self::I8,
            "torch.uint64" => Self::U64,
            "torch.uint32" => Self::U32,
            "torch.uint16" => Self::U16,
            "torch.uint8" => Self::U8,
            "torch.bool" => Self::Bool,
            _ => return None,
        })
    }

    /// Its short name, such as `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F8E4M3 => "f8_e4m3",
            Self::F8E5M2 => "f8_e5m2",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::I16 => "i16",
            Self::I8 => "i8",
            Self::U64 => "u64",
            Self::U32 => "u32",
            Self::U16 => "u16",
            Self::U8 => "u8",
            Self::Bool => "bool",
        }
    }

    /// Bytes per element.
    pub fn bytes(self) -> usize {
        match self {
            Self::F8E4M3 | Self::F8E5M2 | Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// The 32-bit float nearest to the little-endian `bytes`.
    fn value(self, bytes: &[u8]) -> f32 {
        let bits = bytes.iter().rev().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
        match self {
            Self::F8E4M3 => from_e4m3(bits as u8),
            Self::F8E5M2 => from_half((bits as u16) << 8),
            Self::F16 => from_half(bits as u16),
            Self::Bf16 => f32::from_bits((bits as u32) << 16),
            Self::F32 => f32::from_bits(bits as u32),
            Self::F64 => f64::from_bits(bits) as f32,
            Self::I64 => bits as i64 as f32,
            Self::I32 => bits as i32 as f32,
            Self::I16 => f32::from(bits as i16),
            Self::I8 => f32::from(bits as i8),
            Self::U64 => bits as f32,
            Self::U32 => bits as u32 as f32,
            Self::U16 => f32::from(bits as u16),
            Self::U8 => f32::from(bits as u8),
            Self::Bool => f32::from(bits != 0),
        }
    }
}

fn from_e4m3(bits: u8) -> f32 {
    let sign = if bits & 0x80 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 3 & 0xf), f32::from(bits & 7));
    sign * match exponent {
        0 => fraction * 2_f32.powi(-9),
        15 if fraction == 7.0 => f32::NAN,
        _ => (1.0 + fraction / 8.0) * 2_f32.powi(exponent - 7),
    }
}

fn from_half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

/// The number of elements of a shape; none if it overflows.
pub(crate) fn places(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |places, &size| places.checked_mul(size))
}

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightTensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) element: Element,
    pub(crate) values: Vec<f32>,
}

impl WeightTensor {
    /// A tensor of 32-bit floats from its values in row-major order.
    ///
    /// # Errors
    ///
    /// When the number of values is not that of the shape's elements.
    pub fn new(shape: Vec<usize>, values: Vec<f32>) -> Result<Self, WeightError> {
        if places(&shape) == Some(values.len()) {
            Ok(Self { shape, element: Element::F32, values })
        } else {
            Err(WeightError::Shape { shape, values: values.len() })
        }
    }

    /// A vector of zeros.
    pub(crate) fn zeros(size: usize) -> Self {
        Self { shape: vec![size], element: Element::F32, values: vec![0.0; size] }
    }

    /// Its shape, as PyTorch has it.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The element type in the file.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Its values in row-major order, rounded to 32 bits if the file has more.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The negated values.
    pub(crate) fn negated(mut self) -> Self {
        self.values.iter_mut().for_each(|value| *value = -*value);
        self
    }

    /// The square root of the sum of the squared values.
    pub fn norm(&self) -> f64 {
        self.values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
    }

    /// The transposed matrix; other shapes are unchanged.
    pub fn transposed(&self) -> Self {
        let &[rows, columns] = &self.shape[..] else { return self.clone() };
        let values = (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column));
        let values = values.map(|at| self.values[at]).collect();
        Self { shape: vec![columns, rows], element: self.element, values }
    }

    /// Reads contiguous elements, as many as the shape has.
    pub(crate) fn contiguous(shape: Vec<usize>, element: Element, bytes: &[u8]) -> Self {
        let values = bytes.chunks_exact(element.bytes()).map(|bytes| element.value(bytes)).collect();
        Self { shape, element, values }
    }

    /// Reads the `count` elements of a strided view of `storage`.
    pub(crate) fn read(
        storage: &[u8],
        element: Element,
        offset: usize,
        shape: Vec<usize>,
        strides: &[usize],
        count: usize,
    ) -> Result<Self, String> {
        if shape.len() != strides.len() {
            return Err(format!("its shape is {shape:?}, but its strides are {strides:?}"));
        }
        let there = storage.len() / element.bytes();
        if count > 0 {
            let mut steps = shape.iter().zip(strides);
            let last = steps
                .try_fold(offset, |last: usize, (size, stride)| last.checked_add((size - 1).checked_mul(*stride)?));
            if last.is_none_or(|last| last >= there) {
                return Err(format!("its shape {shape:?} reaches beyond its storage of {there} elements"));
            }
        }
        let mut index = vec![0; shape.len()];
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            let at: usize = offset + index.iter().zip(strides).map(|(i, stride)| i * stride).sum::<usize>();
            let at = at * element.bytes();
            values.push(element.value(&storage[at..at + element.bytes()]));
            for dimension in (0..shape.len()).rev() {
                index[dimension] += 1;
                if index[dimension] < shape[dimension] {
                    break;
                }
                index[dimension] = 0;
            }
        }
        Ok(Self { shape, element, values })
    }
}
