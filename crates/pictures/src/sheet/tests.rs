use super::*;

const SHAPE: [usize; 3] = [1, 2, 3];

#[test]
fn images_stand_in_rows_and_windows_are_drawn_over_them() {
    let tile = |level, window| Tile { pixels: vec![level; 6], window };
    let tiles = [tile(1.0, None), tile(0.0, Some([-50.0, 0.0, 1.0, 90.0])), tile(0.0, None)];
    let picture = Sheet { shape: SHAPE, columns: 2, scale: 4, colour: [255, 0, 0] }.picture(&tiles);
    assert_eq!(picture.dimensions(), (2 * 14 + 2, 2 * 10 + 2));
    assert_eq!(picture.get_pixel(2, 2).0, [255; 3]);
    assert_eq!(picture.get_pixel(16, 4).0, [255, 0, 0], "the left edge, where the window goes beyond the image");
    assert_eq!(picture.get_pixel(2, 12).0, [0; 3]);
}

#[test]
fn a_picture_that_would_be_too_large_has_a_smaller_scale() {
    let sheet = Sheet { shape: SHAPE, columns: 2, scale: 4, colour: [255, 0, 0] };
    let pixels = |scale: usize| (2 * (3 * scale + 2) + 2) * (2 * (2 * scale + 2) + 2);
    assert_eq!(sheet.pixels(3), pixels(4));
    for (most, scale) in [(pixels(4), 4), (pixels(4) - 1, 3), (pixels(2), 2), (pixels(1), 1), (0, 1)] {
        assert_eq!(sheet.within(3, most).scale, scale, "{most}");
    }
}

#[test]
fn an_image_can_be_read_as_text() {
    let image = vec![1.0, 0.0, 0.0, 1.0, 0.9, 0.1];
    assert_eq!(text(&[image.clone(), image], SHAPE), "█▄  | █▄\n");
}
