//! Tests of the recurrent operations against their composed twins, against finite
//! differences and against themselves walked step by step.
#![cfg(feature = "native-cpu")]
// Burn has deprecated the ndarray backend, which is tested all the same.
#![allow(deprecated)]

mod arguments;
mod backends_agree;
mod composed_twin;
mod finite_differences;
mod launch_forms;
mod minimal;
mod non_contiguous;
mod padding;
mod sequence;
mod step_by_step;
