//! Prefetching memory whose access pattern the processor cannot predict.
//!
//! A hint: it does not affect results, and does nothing on processors without such an instruction.

/// Prefetches elements for reading.
#[inline(always)]
pub(super) fn to_read(numbers: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    x86::ask::<{ std::arch::x86_64::_MM_HINT_T1 }>(numbers);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
}

/// Prefetches elements for writing.
#[inline(always)]
pub(super) fn to_write(numbers: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    x86::ask::<{ std::arch::x86_64::_MM_HINT_ET0 }>(numbers);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::_mm_prefetch;

    /// Elements in a cache line.
    const LINE: usize = 16;

    #[inline(always)]
    pub fn ask<const HINT: i32>(numbers: &[f32]) {
        for line in numbers.chunks(LINE) {
            // SAFETY: it reads and writes nothing that a program could see.
            unsafe { _mm_prefetch::<HINT>(line.as_ptr().cast()) };
        }
    }
}
