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

/// Memory that a loop prefetches for a later one, a part at each of its steps.
#[derive(Clone, Copy)]
pub(super) struct Ahead<'a> {
    numbers: &'a [f32],
    /// Elements from the part of one step to that of the next.
    step: usize,
}

impl<'a> Ahead<'a> {
    /// The share of loop `number` of `count`, with `steps` steps each.
    #[inline(always)]
    pub fn share(numbers: &'a [f32], number: usize, count: usize, steps: usize) -> Self {
        let start = (number * numbers.len() / count).min(numbers.len());
        Self { numbers: &numbers[start..], step: (numbers.len() / (count * steps)).max(1) }
    }

    /// Nothing: the first of `numbers` again and again, which costs little if they are in the cache.
    #[inline(always)]
    pub fn nothing(numbers: &'a [f32]) -> Self {
        Self { numbers, step: 0 }
    }

    /// Prefetches the part of a step for reading.
    #[inline(always)]
    pub fn ask(self, step: usize) {
        #[cfg(target_arch = "x86_64")]
        x86::ask_at::<{ std::arch::x86_64::_MM_HINT_T1 }>(self.numbers.as_ptr().wrapping_add(step * self.step));
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (step, self.numbers, self.step);
    }
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
            ask_at::<HINT>(line.as_ptr());
        }
    }

    #[inline(always)]
    pub fn ask_at<const HINT: i32>(line: *const f32) {
        // SAFETY: it reads and writes nothing that a program could see, wherever the pointer points.
        unsafe { _mm_prefetch::<HINT>(line.cast()) };
    }
}
