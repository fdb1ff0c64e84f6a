//! Autotuning, with the feature `autotune`: the first time that a GPU gets a matrix product of some size, Burn times
//! its kernels for it and keeps the fastest one's name.

/// Keeps what autotuning finds in the user's cache folder (`~/.cache/cubecl` on Linux), so that the next process does
/// not time again. Without this call it is kept in the target folder of the Cargo project around the current folder,
/// if there is one.
///
/// It must come before the first use of a GPU, and leaves alone what a `cubecl.toml` says.
#[cfg(all(feature = "autotune", feature = "native-gpu"))]
pub fn keep_in_user_cache() {
    use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig, cache::CacheConfig};

    let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
    if matches!(config.environment.path, CacheConfig::Target) {
        config.environment.path = CacheConfig::Global;
    }
    // Whoever set it first decides.
    CubeClRuntimeConfig::try_set(config);
}

/// Without autotuning on a GPU there is nothing to keep.
#[cfg(not(all(feature = "autotune", feature = "native-gpu")))]
pub fn keep_in_user_cache() {}
