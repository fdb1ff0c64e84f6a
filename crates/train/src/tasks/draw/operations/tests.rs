use rekindle_models::draw::DrawModelSettings;
use rstest::rstest;

use super::*;

const SHAPE: ImageShape = ImageShape { channels: 1, height: 3, width: 3 };

#[rstest]
#[case::one(1)]
#[case::more_than_are_animated(ANIMATED + 3)]
#[case::more_than_a_batch(BATCH + 1)]
fn only_the_first_images_are_kept_at_every_step(#[case] count: usize) {
    let settings = DrawModelSettings { glimpses: 2, hidden: 4, latent: 2, ..DrawModelSettings::default() };
    let device = rekindle_testing::cpus().remove(0);
    let model = settings.init_with(SHAPE, &mut seeded(1), &device);
    let New { last, steps } = New::drawn(&model, count, 7).unwrap();
    assert_eq!(last.len(), count);
    assert_eq!(steps.iter().map(Vec::len).collect::<Vec<_>>(), [count.min(ANIMATED); 2]);
    for (step, last) in steps[1].iter().zip(&last) {
        assert_eq!(step.pixels, last.pixels);
    }
}

#[test]
fn a_count_whose_picture_is_too_large_is_refused() {
    let digits = ImageShape { channels: 1, height: 28, width: 28 };
    let most = most_images(digits);
    let pixels = |count: usize| square(digits, count).pixels(count);
    assert!(pixels(most) <= MOST_PIXELS && pixels((most.isqrt() + 1).pow(2)) > MOST_PIXELS, "{most}");
    // The default, of the largest images that are read.
    assert!(most_images(ImageShape { channels: 3, height: 1024, width: 1024 }) >= SampleOptions::default().count);
}

#[test]
fn pictures_of_steps_are_scaled_down_and_then_have_fewer_images() {
    let square = |side| ImageShape { channels: 1, height: side, width: side };
    let layout = |side, steps, rows| {
        let (sheet, fitting) = of_steps(square(side), steps, rows, RED);
        assert!(fitting == 1 || sheet.pixels(fitting * steps) <= MOST_PIXELS);
        (sheet.scale, fitting)
    };
    assert_eq!(layout(28, 64, SHOWN), (STEPS_SCALE, SHOWN));
    assert_eq!(layout(512, 64, SHOWN), (1, SHOWN));
    assert_eq!(layout(1024, 64, SHOWN), (1, 5));
    assert_eq!(layout(1024, 1000, SHOWN), (1, 1));
}
