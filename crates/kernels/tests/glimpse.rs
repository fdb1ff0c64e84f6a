//! Glimpses of images, beside a direct loop, the same in tensor operations, and finite differences.
#![cfg(any(feature = "flex", feature = "ndarray", feature = "wgpu"))]

use burn::prelude::*;
use burn::tensor::DType;
use rekindle_kernels::glimpse::Grid;
use rekindle_testing::{Numbers, assert_close, cpus, devices, on_threads, values};
use rstest::rstest;

/// Images, canvases, windows and patches.
type Inputs = (Tensor<2>, Tensor<2>, Tensor<2>, Tensor<2>);

type ReadOrWrite = fn(&Grid, Tensor<2>, Tensor<2>, Tensor<2>) -> Tensor<2>;

const fn grid(filters: usize, channels: usize, height: usize, width: usize) -> Grid {
    Grid { filters, channels, height, width }
}

fn inputs(grid: &Grid, batch: usize, device: &Device) -> Inputs {
    let mut numbers = Numbers::new(3);
    let Grid { filters, channels, height, width } = *grid;
    let mut random = |width: usize| numbers.uniform([batch, width], -1.0..1.0, device);
    let pixels = channels * height * width;
    (random(pixels), random(pixels) * 3.0, random(5), random(channels * filters * filters))
}

/// The output, and the gradients of all three inputs.
fn run(call: ReadOrWrite, grid: &Grid, inputs: [&Tensor<2>; 3]) -> [Vec<f64>; 4] {
    let [a, b, c] = inputs.map(|input| input.clone().require_grad());
    let output = call(grid, a.clone(), b.clone(), c.clone());
    let gradients = output.clone().sin().sum().backward();
    let [a, b, c] = [a, b, c].map(|input| values(input.grad(&gradients).unwrap()));
    [values(output), a, b, c]
}

#[rstest]
#[case::of_the_paper(grid(2, 1, 28, 28), 5)]
#[case::wider_than_high(grid(5, 1, 7, 19), 3)]
#[case::colour(grid(3, 3, 9, 6), 4)]
#[case::one_filter_and_one_image(grid(1, 1, 4, 5), 1)]
#[case::one_pixel(grid(1, 2, 1, 1), 2)]
#[case::many_images(grid(4, 1, 8, 16), 70)]
fn both_are_their_composed_twins(#[case] grid: Grid, #[case] batch: usize) {
    for device in devices() {
        let device = device.autodiff();
        let (images, canvas, window, patches) = inputs(&grid, batch, &device);
        let cases: [(ReadOrWrite, ReadOrWrite, _); 2] = [
            (Grid::read, Grid::read_composed, [&images, &canvas, &window]),
            (Grid::write, Grid::write_composed, [&canvas, &patches, &window]),
        ];
        for (native, composed, inputs) in cases {
            let wanted = run(composed, &grid, inputs);
            for threads in [1, 3] {
                let seen = on_threads(threads, || run(native, &grid, inputs));
                for (number, (seen, wanted)) in seen.iter().zip(&wanted).enumerate() {
                    // Sums of up to 800 numbers.
                    assert_close(&format!("output {number}, {grid:?}, {device:?}"), seen, wanted, 2e-5);
                }
            }
        }
    }
}

#[test]
fn a_tensor_without_a_gradient_is_left_alone() {
    for device in cpus() {
        let device = device.autodiff();
        let grid = grid(2, 1, 6, 6);
        let (images, canvas, window, patches) = inputs(&grid, 2, &device);
        let window = window.require_grad();
        let read = grid.read(images, canvas.clone(), window.clone());
        let alone = window.grad(&read.sum().backward()).unwrap();
        assert!(values(alone).iter().all(|number| number.is_finite()));
        let patches = patches.require_grad();
        let gradients = grid.write(canvas, patches.clone(), window.clone()).sum().backward();
        assert!(patches.grad(&gradients).is_some() && window.grad(&gradients).is_some());
    }
}

/// A window and where its filters are, in `f64`, by the equations of the paper.
struct Direct {
    across: Vec<Vec<f64>>,
    down: Vec<Vec<f64>>,
    intensity: f64,
}

impl Direct {
    fn new(grid: &Grid, [x, y, log_variance, log_stride, log_intensity]: [f64; 5]) -> Self {
        let unit = (grid.height.max(grid.width) - 1) as f64 / (grid.filters - 1) as f64;
        let (stride, variance) = (unit * log_stride.exp(), log_variance.exp());
        let bank = |centre: f64, pixels: usize| -> Vec<Vec<f64>> {
            let filter = |i: usize| {
                let point = centre + (i as f64 - grid.filters as f64 / 2.0 - 0.5) * stride;
                let weights = (1..=pixels).map(|a| (-(a as f64 - point).powi(2) / (2.0 * variance)).exp());
                let sum: f64 = weights.clone().sum();
                weights.map(|weight| weight / sum).collect()
            };
            (1..=grid.filters).map(filter).collect()
        };
        let centre = |number: f64, pixels: usize| (pixels + 1) as f64 / 2.0 * (number + 1.0);
        Self {
            across: bank(centre(x, grid.width), grid.width),
            down: bank(centre(y, grid.height), grid.height),
            intensity: log_intensity.exp(),
        }
    }

    /// `γ F_Y x F_Xᵀ`
    fn read(&self, plane: &[f64]) -> Vec<f64> {
        let sum = |down: &[f64], across: &[f64]| -> f64 {
            let rows = plane.chunks(across.len()).zip(down);
            rows.map(|(row, b)| b * row.iter().zip(across).map(|(x, a)| x * a).sum::<f64>()).sum()
        };
        let all = self.down.iter().flat_map(|down| self.across.iter().map(move |across| sum(down, across)));
        all.map(|number| self.intensity * number).collect()
    }

    /// `1/γ F_Yᵀ w F_X`
    fn write(&self, patch: &[f64]) -> Vec<f64> {
        let [height, width] = [self.down[0].len(), self.across[0].len()];
        let number = |at: usize| {
            let [b, a] = [at / width, at % width];
            let terms = patch.iter().enumerate().map(|(index, w)| {
                let [j, i] = [index / self.across.len(), index % self.across.len()];
                self.down[j][b] * w * self.across[i][a]
            });
            terms.sum::<f64>() / self.intensity
        };
        (0..height * width).map(number).collect()
    }
}

#[rstest]
#[case::in_the_middle([0.0, 0.0, 0.0, 0.0, 0.3])]
#[case::aside([0.6, -0.3, -1.0, -0.7, -0.5])]
#[case::beyond_the_edge([1.9, -2.5, -0.5, -0.2, 0.1])]
fn filters_are_those_of_a_direct_loop(#[case] numbers: [f64; 5]) {
    let grid = grid(3, 1, 7, 9);
    let direct = Direct::new(&grid, numbers);
    for device in devices() {
        let (images, canvas, _, patches) = inputs(&grid, 1, &device);
        let window = Tensor::from_data(TensorData::new(numbers.to_vec(), [1, 5]), (&device, DType::F32));
        let drawn = values(canvas.clone()).into_iter().map(|c| 1.0 / (1.0 + (-c).exp()));
        let errors: Vec<f64> = values(images.clone()).into_iter().zip(drawn).map(|(x, drawn)| x - drawn).collect();
        let wanted = [direct.read(&values(images.clone())), direct.read(&errors)].concat();
        let seen = values(grid.read(images, canvas.clone(), window.clone()));
        assert_close(&format!("read, {device:?}"), &seen, &wanted, 1e-5);
        let written = direct.write(&values(patches.clone()));
        let wanted: Vec<f64> = values(canvas.clone()).iter().zip(written).map(|(c, written)| c + written).collect();
        let seen = values(grid.write(canvas, patches, window.clone()));
        assert_close(&format!("write, {device:?}"), &seen, &wanted, 1e-5);
        let bounds = values(grid.bounds(window));
        let stride = 4.0 * numbers[3].exp();
        let centre = [5.0 * (numbers[0] + 1.0), 4.0 * (numbers[1] + 1.0)];
        let wanted: Vec<f64> = [-1.0, 1.0].iter().flat_map(|side| centre.map(|c| c - 1.0 + side * stride)).collect();
        assert_close(&format!("bounds, {device:?}"), &bounds, &wanted, 1e-5);
    }
}

/// In `f64`, where the composed twin runs; the native code is compared with it above.
#[cfg(feature = "flex")]
#[test]
fn gradients_are_those_of_finite_differences() {
    let device = Device::flex().autodiff();
    let grid = grid(3, 2, 5, 6);
    let (images, canvas, window, patches) = inputs(&grid, 2, &device);
    let cases: [(ReadOrWrite, _); 2] =
        [(Grid::read, [images, canvas.clone(), window.clone()]), (Grid::write, [canvas, patches, window])];
    for (call, inputs) in cases {
        let inputs = inputs.map(|input| input.cast(DType::F64));
        let [_, gradients @ ..] = run(call, &grid, inputs.each_ref());
        for (which, gradient) in gradients.iter().enumerate() {
            for place in [0, gradient.len() / 2, gradient.len() - 1] {
                let at = |by: f64| {
                    let mut moved = inputs.clone();
                    let mut numbers = values(moved[which].clone());
                    numbers[place] += by;
                    let data = TensorData::new(numbers, moved[which].dims());
                    moved[which] = Tensor::from_data(data, (&device, DType::F64));
                    let [a, b, c] = moved;
                    values(call(&grid, a, b, c).sin().sum())[0]
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((slope - gradient[place]).abs() < 1e-7, "input {which}, {place}: {slope}, {}", gradient[place]);
            }
        }
    }
}

#[rstest]
fn windows_of_any_size_have_finite_gradients(#[values(-1e6, -10.0, 10.0, 1e6)] extreme: f32) {
    for device in cpus() {
        let device = device.autodiff();
        let grid = grid(3, 1, 6, 7);
        let (images, canvas, _, patches) = inputs(&grid, 2, &device);
        let numbers = [0.0, 9e3, extreme, extreme, extreme, extreme, 0.2, -extreme, 0.1, 0.0];
        let window = Tensor::<2>::from_data(TensorData::new(numbers.to_vec(), [2, 5]), &device);
        for outputs in
            [run(Grid::read, &grid, [&images, &canvas, &window]), run(Grid::write, &grid, [&canvas, &patches, &window])]
        {
            assert!(outputs.iter().flatten().all(|number| number.is_finite()), "{extreme} on {device:?}");
        }
    }
}

#[test]
#[should_panic(expected = "shape beside 2 windows")]
fn images_of_another_size_are_refused() {
    let device = devices().remove(0);
    let (images, canvas, window, _) = inputs(&grid(2, 1, 5, 5), 2, &device);
    grid(2, 1, 5, 6).read(images, canvas, window);
}
