//! The memory allocator. A training step allocates and frees tens of megabytes.

/// Faster than the system's for large blocks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay`: milliseconds until a free page is returned to the system, -1 for never. The crate has no
/// name for it; the numbers of mimalloc's options are fixed.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Keeps free pages for the next step: the system would return others, filled with zeros, at about a tenth of a step's
/// time. The variable `MIMALLOC_PURGE_DELAY` takes precedence.
pub fn keep_pages() {
    // SAFETY: sets a number in a table of the allocator, before other threads start.
    #[allow(unsafe_code, reason = "the allocator's options are set in C")]
    unsafe {
        libmimalloc_sys::mi_option_set_default(PURGE_DELAY, -1);
    }
}
