//! What a model that draws must do, on every backend that is compiled in.

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::Linear;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rekindle_kernels::latent;
use rekindle_rnn::{Layer, Weight};
use rekindle_testing::{assert_close, devices};
use rstest::rstest;

use super::steps::PART_ROWS;
use super::window::grid;
use super::{Draw, DrawModelSettings, ImageShape, Likelihood};

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(5)
}

const fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape { channels, height, width }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().convert::<f64>().try_to_vec().unwrap()
}

fn normal<const D: usize>(shape: [usize; D], rng: &mut impl Rng, device: &Device) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.sample(StandardNormal)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// `wave` of `crates/bench/python/draw_reference.py`: numbers between -0.4 and 0.4 that any language makes alike.
fn wave<const D: usize>(shape: [usize; D], start: f64, (device, dtype): (&Device, DType)) -> Tensor<D> {
    let values: Vec<f64> = (0..shape.iter().product::<usize>()).map(|i| (i as f64 * 0.7 + start).sin() * 0.4).collect();
    Tensor::from_data(TensorData::new(values, shape), (device, dtype))
}

/// The model of the fixture: every weight a wave that starts at the weight's place in the list.
fn fixture(read: usize, write: usize, on: (&Device, DType)) -> Draw {
    let settings = DrawModelSettings { glimpses: 3, hidden: 4, latent: 2, read, write, ..DrawModelSettings::default() };
    let mut model = settings.init_with(shape(1, 6, 6), &mut rng(), on.0);
    let matrix = |shape: [usize; 2], start| Param::from_tensor(wave(shape, start, on));
    let vector = |size: usize, start| Some(Param::from_tensor(wave([size], start, on)));
    let lstm = |layer: &mut Layer, start: f64| {
        // weight_ih, weight_hh, bias_ih, bias_hh.
        for (place, (_, weight)) in layer.weights_mut().enumerate() {
            let start = start + place as f64;
            match weight {
                Weight::Matrix(weight) => *weight = matrix(weight.dims(), start),
                Weight::Vector(weight) => *weight = Param::from_tensor(wave(weight.dims(), start, on)),
            }
        }
    };
    lstm(&mut model.encoder, 0.0);
    lstm(&mut model.decoder, 4.0);
    let linear = |layer: &mut Linear, start: f64| {
        // PyTorch stores a layer as [output, input].
        let [input, output] = layer.weight.dims();
        layer.weight = Param::from_tensor(wave([output, input], start, on).transpose());
        layer.bias = vector(output, start + 1.0);
    };
    linear(&mut model.latent, 8.0);
    model.read.iter_mut().for_each(|layer| linear(layer, 10.0));
    model.window.iter_mut().for_each(|layer| linear(layer, 12.0));
    linear(&mut model.write, 14.0);
    model.canvas = matrix([1, 36], 16.0);
    model.encoder_start = matrix([2, 4], 17.0);
    model.decoder_start = matrix([2, 4], 18.0);
    model
}

fn fixture_data(on: (&Device, DType)) -> (Tensor<2>, Tensor<3>) {
    let images = values(wave::<2>([2, 36], 0.5, (on.0, DType::F64)));
    let images: Vec<f64> = images.into_iter().map(|x| f64::from(u8::from(x > 0.0))).collect();
    (Tensor::from_data(TensorData::new(images, [2, 36]), on), wave([3, 2, 2], 0.25, on) * 3.0)
}

/// The gradient of every parameter, by PyTorch's names and in its layout.
fn gradients_by_name(model: &Draw, gradients: &Gradients) -> Vec<(String, Vec<f64>)> {
    let of_matrix = |tensor: Tensor<2>| Tensor::from_inner(tensor.grad(gradients).unwrap());
    let of_vector = |tensor: Tensor<1>| values(Tensor::<1>::from_inner(tensor.grad(gradients).unwrap()));
    let mut all = Vec::new();
    let mut add = |name: String, gradient: Vec<f64>| all.push((name, gradient));
    for (name, layer) in [("encoder", &model.encoder), ("decoder", &model.decoder)] {
        for weight in ["weight_ih", "weight_hh"] {
            add(format!("{name}.{weight}"), values(of_matrix(layer.matrix(weight))));
        }
        for bias in ["bias_ih", "bias_hh"] {
            add(format!("{name}.{bias}"), of_vector(layer.vector(bias).unwrap()));
        }
    }
    let linears = [("latent", Some(&model.latent)), ("read", model.read.as_ref()), ("window", model.window.as_ref())];
    for (name, layer) in linears.into_iter().chain([("write", Some(&model.write))]) {
        if let Some(layer) = layer {
            add(format!("{name}.weight"), values(of_matrix(layer.weight.val()).transpose()));
            add(format!("{name}.bias"), of_vector(layer.bias.as_ref().unwrap().val()));
        }
    }
    for (name, matrix) in
        [("canvas", &model.canvas), ("encoder_start", &model.encoder_start), ("decoder_start", &model.decoder_start)]
    {
        add(name.to_owned(), values(of_matrix(matrix.val())));
    }
    all
}

#[rstest]
#[case::windows(2, 3)]
#[case::whole(0, 0)]
fn rows_side_by_side_have_the_loss_and_the_gradients_of_the_batch(#[case] read: usize, #[case] write: usize) {
    let batch = 2 * PART_ROWS + 1;
    for device in devices() {
        let device = device.autodiff();
        let settings =
            DrawModelSettings { glimpses: 3, hidden: 8, latent: 2, read, write, ..DrawModelSettings::default() };
        let model = settings.init_with(shape(1, 6, 6), &mut rng(), &device);
        let images = normal([batch, 36], &mut rng(), &device).greater_elem(0.5).float();
        let noise = normal([3, batch, 2], &mut rng(), &device);
        let of = |loss: Tensor<1>| {
            let gradients = GradientsParams::from_grads((loss.clone() * 0.5).backward(), &model);
            let mut all = AllGradients { gradients, values: Vec::new() };
            model.visit(&mut all);
            (values(loss), all.values)
        };
        let (loss, gradients) = of(model.weighted_loss(images.clone(), noise.clone(), 0.7));
        let (seen, seen_gradients) = rekindle_testing::on_threads(3, || of(model.training_loss(images, noise, 0.7)));
        assert_close("loss", &seen, &loss, 1e-5);
        let names = gradients.iter().map(|(name, _)| name);
        assert!(names.clone().eq(seen_gradients.iter().map(|(name, _)| name)), "{device:?}");
        assert_eq!(names.count(), if read > 0 { 17 } else { 13 } + 2);
        for ((name, wanted), (_, seen)) in gradients.iter().zip(&seen_gradients) {
            let largest = wanted.iter().fold(1e-3, |largest: f64, x| largest.max(x.abs()));
            assert_close(&format!("{name}, {device:?}"), seen, wanted, 1e-4 * largest.min(1.0));
        }
    }
}

/// The gradients of a model's parameters, in the order of the model.
struct AllGradients {
    gradients: GradientsParams,
    values: Vec<(String, Vec<f64>)>,
}

impl ModuleVisitor for AllGradients {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.values.push((format!("parameter {} {:?}", self.values.len(), param.dims()), values(gradient)));
        }
    }
}

#[test]
fn a_model_starts_from_the_image_of_its_canvas() {
    let pixels: Vec<f64> = (1..=36).map(|pixel| f64::from(pixel) / 37.0).collect();
    for device in devices() {
        let settings = DrawModelSettings { glimpses: 1, hidden: 4, latent: 2, ..DrawModelSettings::default() };
        let mut model = settings.init_with(shape(1, 6, 6), &mut rng(), &device).with_canvas(&pixels);
        // Nothing is written, so that the first image is the initial canvas.
        model.write.weight = Param::from_tensor(Tensor::zeros([4, 36], &device));
        model.write.bias = Some(Param::from_tensor(Tensor::zeros([36], &device)));
        let drawn = model.generate(Tensor::zeros([1, 1, 2], &device)).remove(0);
        for (seen, wanted) in values(drawn.image).iter().zip(&pixels) {
            assert!((seen - wanted).abs() < 1e-6, "{seen}, wanted {wanted}");
        }
    }
}

/// Bound, KL, and of every gradient the sum of its magnitudes and the first number:
/// `crates/bench/python/draw_reference.py fixture`.
#[rstest]
#[rustfmt::skip]
#[case::with_windows(2, 3, 30.526642, 0.4079134, &[
    ("encoder.weight_ih", 2.883188, 0.0044927),
    ("encoder.weight_hh", 0.283839, -0.0058129),
    ("encoder.bias_ih", 0.592788, 0.0055550),
    ("encoder.bias_hh", 0.592788, 0.0055550),
    ("decoder.weight_ih", 0.612273, -0.0390507),
    ("decoder.weight_hh", 0.479368, 0.0131513),
    ("decoder.bias_ih", 0.884877, -0.0687229),
    ("decoder.bias_hh", 0.884877, -0.0687229),
    ("latent.weight", 1.787859, 0.0489015),
    ("latent.bias", 2.674039, 0.9958175),
    ("read.weight", 0.066557, 0.0015441),
    ("read.bias", 0.160949, -0.0087183),
    ("window.weight", 1.198358, -0.0096430),
    ("window.bias", 2.908749, 0.0961093),
    ("write.weight", 1.783995, 0.0093985),
    ("write.bias", 4.285327, -0.0744943),
    ("canvas", 20.457716, -0.5134664),
    ("encoder_start", 0.287369, -0.0477543),
    ("decoder_start", 0.364773, 0.0044134),
])]
#[case::whole(0, 0, 40.074829, 0.2413503, &[
    ("encoder.weight_ih", 0.072074, -0.0000000),
    ("encoder.weight_hh", 0.001422, 0.0000000),
    ("encoder.bias_ih", 0.001937, -0.0000000),
    ("encoder.bias_hh", 0.001937, -0.0000000),
    ("decoder.weight_ih", 2.257688, 0.0752143),
    ("decoder.weight_hh", 2.241643, -0.0371382),
    ("decoder.bias_ih", 4.085112, 0.1818746),
    ("decoder.bias_hh", 4.085112, 0.1818746),
    ("latent.weight", 0.091311, -0.0000003),
    ("latent.bias", 1.214916, 0.0032947),
    ("write.weight", 29.998314, 0.1300337),
    ("write.bias", 67.152267, -1.0699463),
    ("canvas", 22.383608, -0.3567869),
    ("encoder_start", 0.046315, 0.0003309),
    ("decoder_start", 1.238891, 0.0053921),
])]
fn a_forward_and_a_backward_pass_have_the_numbers_of_pytorch(
    #[case] read: usize,
    #[case] write: usize,
    #[case] reconstruction: f64,
    #[case] kl: f64,
    #[case] gradients: &[(&str, f64, f64)],
) {
    for device in devices() {
        let device = device.autodiff();
        let on = (&device, DType::F32);
        let model = fixture(read, write, on);
        let (images, noise) = fixture_data(on);
        let bound = model.bound(images.clone(), noise.clone());
        let near = |seen: f64, wanted: f64| {
            // Two implementations in f32: the sums are of a few hundred numbers.
            assert!((seen - wanted).abs() < 2e-5 + 1e-5 * wanted.abs(), "{seen} and {wanted} on {device:?}");
        };
        near(values(bound.reconstruction.clone()).iter().sum::<f64>() / 2.0, reconstruction);
        near(values(bound.kl.clone()).iter().sum::<f64>() / 2.0, kl);
        let loss = model.loss(images, noise);
        near(values(loss.clone())[0], reconstruction + kl);
        let (images, noise) = fixture_data(on);
        near(values(model.weighted_loss(images, noise, 0.25))[0], reconstruction + 0.25 * kl);
        let grads = loss.backward();
        let found = gradients_by_name(&model, &grads);
        assert_eq!(found.len(), gradients.len());
        for (name, gradient) in found {
            let (_, sum, first) = gradients.iter().find(|(known, ..)| *known == name).unwrap();
            near(gradient.iter().map(|x| x.abs()).sum(), *sum);
            near(gradient[0], *first);
        }
    }
}

// Burn takes a sigmoid in f32 on ndarray, whatever the type of the tensor: only flex is exact enough.
#[cfg(feature = "flex")]
#[rstest]
fn gradients_are_those_of_finite_differences(#[values((0, 0), (2, 3))] (read, write): (usize, usize)) {
    let device = Device::flex().autodiff();
    let on = (&device, DType::F64);
    let model = fixture(read, write, on);
    let (images, noise) = fixture_data(on);
    let loss = |model: &Draw| model.loss(images.clone(), noise.clone());
    let grads = loss(&model).backward();
    let step = 1e-5;
    let check = |change: &dyn Fn(&mut Draw) -> &mut Param<Tensor<2>>| {
        let mut changed = model.clone();
        let original = change(&mut changed).val();
        let gradient = values(original.grad(&grads).unwrap());
        let [rows, columns] = original.dims();
        for place in [0, rows * columns / 2, rows * columns - 1] {
            let mut at = |by: f64| {
                let mut data = values(original.clone());
                data[place] += by;
                let moved = Tensor::from_data(TensorData::new(data, [rows, columns]), on);
                *change(&mut changed) = Param::from_tensor(moved);
                values(loss(&changed))[0]
            };
            let slope = (at(step) - at(-step)) / (2.0 * step);
            // Central differences in f64 are good to about the square of the step.
            assert!((slope - gradient[place]).abs() < 1e-6, "{slope} and {}", gradient[place]);
        }
    };
    check(&|model| model.encoder.matrix_mut("weight_ih"));
    check(&|model| model.decoder.matrix_mut("weight_hh"));
    check(&|model| &mut model.latent.weight);
    check(&|model| &mut model.write.weight);
    check(&|model| &mut model.canvas);
    check(&|model| &mut model.encoder_start);
    if read > 0 {
        check(&|model| &mut model.read.as_mut().unwrap().weight);
        check(&|model| &mut model.window.as_mut().unwrap().weight);
    }
}

#[test]
fn the_kl_is_that_of_a_monte_carlo_estimate() {
    for device in devices() {
        let (mean, log_variance) = ([0.5f64, -1.0, 0.2], [0.3f64, -0.7, 0.0]);
        let row = |values: [f64; 3]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), [1, 3]), &device);
        let exact = values(latent::divergence(Tensor::cat(vec![row(mean), row(log_variance)], 1)))[0];
        let (mut rng, draws) = (rng(), 200_000);
        let mut sum = 0.0;
        for _ in 0..draws {
            for (mean, log_variance) in mean.iter().zip(&log_variance) {
                let noise: f64 = rng.sample(StandardNormal);
                let z = mean + (0.5 * log_variance).exp() * noise;
                sum += 0.5 * (z * z - noise * noise - log_variance);
            }
        }
        let estimate = sum / f64::from(draws);
        // The deviation of one draw is about 1.3, so four standard errors of 200,000 are 0.012.
        assert!((exact - estimate).abs() < 0.012, "{exact} and {estimate} on {device:?}");
    }
}

#[test]
fn the_mean_of_the_log_weights_is_the_bound() {
    for device in devices() {
        let model = fixture(0, 0, (&device, DType::F32));
        let (images, _) = fixture_data((&device, DType::F32));
        let images = images.narrow(0, 0, 1).expand([4000, 36]);
        let bound = model.bound(images, normal([3, 4000, 2], &mut rng(), &device));
        let mean = |tensor: Tensor<1>| values(tensor).iter().sum::<f64>() / 4000.0;
        let (total, weight) = (mean(bound.total()), mean(bound.log_weight()));
        // The KL is exact in one and drawn in the other; its deviation is about 0.7, four standard errors are 0.05.
        assert!((total + weight).abs() < 0.05, "{total} and {weight} on {device:?}");
        let kl: f64 = values(bound.kl.clone()).iter().sum::<f64>() / 4000.0;
        assert!((mean(bound.reconstruction) + kl - total).abs() < 1e-3);
    }
}

#[test]
fn every_step_has_noise_of_its_own() {
    for device in devices() {
        let model = fixture(2, 3, (&device, DType::F32));
        let noise = normal([3, 2, 2], &mut rng(), &device);
        let images = |noise| model.generate(noise).into_iter().map(|step| values(step.image)).collect::<Vec<_>>();
        let before = images(noise.clone());
        for step in 0..3 {
            let other = normal([1, 2, 2], &mut ChaCha8Rng::seed_from_u64(99), &device);
            let after = images(noise.clone().slice_assign([step..step + 1, 0..2, 0..2], other));
            for at in 0..3 {
                assert_eq!(before[at] == after[at], at < step, "noise of step {step}, image of step {at}");
            }
        }
        let (data, _) = fixture_data((&device, DType::F32));
        let total = |noise| values(model.bound(data.clone(), noise).total());
        let shared = noise.clone().narrow(0, 0, 1).expand([3, 2, 2]);
        assert_ne!(total(noise), total(shared), "one tensor of noise for all steps is another thing");
    }
}

#[rstest]
#[case::the_paper(2, 5)]
#[case::one_filter(1, 1)]
fn the_first_windows_of_a_new_model_lie_over_the_middle_half(#[case] read: usize, #[case] write: usize) {
    let (height, width) = (20, 28);
    let settings = DrawModelSettings { read, write, ..DrawModelSettings::default() };
    for device in devices() {
        let device = device.autodiff();
        let model = settings.init_with(shape(1, height, width), &mut rng(), &device);
        for (layer, n) in [(model.read, read), (model.window, write)] {
            let hidden = Tensor::zeros([1, settings.hidden], &device);
            let bounds = grid(n, shape(1, height, width)).bounds(layer.unwrap().forward(hidden));
            // 13.5 pixels of 27, around the middle of both sides; a lone filter has no extent.
            let half = if n == 1 { 0.0 } else { 13.5 / 2.0 };
            let wanted = [13.5 - half, 9.5 - half, 13.5 + half, 9.5 + half];
            for (seen, wanted) in values(bounds).iter().zip(wanted) {
                assert!((seen - wanted).abs() < 1e-4, "{seen} and {wanted} of {n} filters on {device:?}");
            }
        }
    }
}

#[rstest]
fn the_loss_stays_finite_when_variances_are_driven_to_zero_or_infinity(#[values(-1e6, 1e6)] extreme: f64) {
    for device in devices() {
        let device = device.autodiff();
        let on = (&device, DType::F32);
        let mut model = fixture(2, 3, on);
        let bias = |numbers: Vec<f64>| {
            let size = numbers.len();
            Some(Param::from_tensor(Tensor::from_data(TensorData::new(numbers, [size]), on)))
        };
        model.latent.bias = bias(vec![0.1, 0.2, extreme, extreme]);
        model.read.as_mut().unwrap().bias = bias(vec![0.0, 0.0, extreme, extreme, extreme]);
        model.window.as_mut().unwrap().bias = bias(vec![0.0, 9e3, extreme, extreme, extreme]);
        let (images, noise) = fixture_data(on);
        let loss = model.loss(images, noise);
        assert!(values(loss.clone())[0].is_finite(), "{extreme} on {device:?}: {loss}");
        let grads = loss.backward();
        for (name, gradient) in gradients_by_name(&model, &grads) {
            assert!(gradient.iter().all(|x| x.is_finite()), "{name}, {extreme} on {device:?}");
        }
    }
}

#[test]
fn likelihoods_are_the_textbook_s() {
    for device in devices() {
        let row = |values: [f64; 3]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), [1, 3]), &device);
        let (images, canvas) = ([0.0, 1.0, 1.0], [0.3, -0.4, 90.0]);
        let mean = |c: f64| 1.0 / (1.0 + (-c).exp());
        let pairs = || images.iter().zip(&canvas);
        let bernoulli: f64 = pairs().map(|(&x, &c)| -(x * mean(c) + (1.0 - x) * (1.0 - mean(c))).ln()).sum();
        let seen = values(Likelihood::Bernoulli.loss(row(images), row(canvas)))[0];
        assert!((seen - bernoulli).abs() < 1e-6, "{seen} and {bernoulli}");
        let deviation: f64 = 0.2;
        let density = |x: f64, m: f64| {
            (-(x - m).powi(2) / (2.0 * deviation * deviation)).exp() / (deviation * std::f64::consts::TAU.sqrt())
        };
        let gaussian: f64 = pairs().map(|(&x, &c)| -density(x, mean(c)).ln()).sum();
        let seen = values(Likelihood::Gaussian { deviation }.loss(row(images), row(canvas)))[0];
        assert!((seen - gaussian).abs() < 1e-5, "{seen} and {gaussian}");
    }
}

#[rstest]
fn colour_images_of_any_shape_are_read_and_written(#[values((0, 2), (3, 0), (1, 1))] (read, write): (usize, usize)) {
    for device in devices() {
        let settings =
            DrawModelSettings { glimpses: 2, hidden: 6, latent: 3, read, write, gaussian: Some(0.1), kl_warmup: 0 };
        let model = settings.init_with(shape(3, 4, 5), &mut rng(), &device);
        let images = normal([2, 60], &mut rng(), &device);
        let drawn = model.reconstruct(images, normal([2, 2, 3], &mut rng(), &device));
        assert_eq!(drawn.len(), 2);
        for step in drawn {
            assert_eq!(step.image.dims(), [2, 60]);
            assert_eq!((step.read.is_some(), step.written.is_some()), (read > 0, write > 0));
        }
    }
}

#[rstest]
#[case::no_glimpses(DrawModelSettings { glimpses: 0, ..DrawModelSettings::default() }, shape(1, 4, 4))]
#[case::no_latents(DrawModelSettings { latent: 0, ..DrawModelSettings::default() }, shape(1, 4, 4))]
#[case::too_many_filters(DrawModelSettings { read: 5, ..DrawModelSettings::default() }, shape(1, 4, 9))]
#[should_panic]
fn a_model_without_meaning_is_refused(#[case] settings: DrawModelSettings, #[case] shape: ImageShape) {
    settings.init_with(shape, &mut rng(), &devices()[0]);
}
