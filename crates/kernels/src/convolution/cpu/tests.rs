//! Pieces that the tests of whole convolutions do not reach.

use super::image::Image;

#[test]
fn a_plane_that_is_laid_out_and_taken_back_is_the_plane() {
    for stride in [1, 2, 3] {
        for [height, width] in [[1, 1], [4, 7], [9, 5], [18, 35]] {
            let padding = [[1, 1], [1, 1]];
            let image = Image::new([height, width], [3, 3], stride, padding);
            let plane: Vec<f32> = (1..=height * width).map(|x| x as f32).collect();
            let (mut laid_out, mut back) = (vec![0.0; image.plane()], vec![9.0; plane.len()]);
            image.lay_out(&plane, &mut laid_out);
            image.take_back(&laid_out, &mut back);
            // With a stride the last rows and columns may be out of a kernel's reach.
            let [rows, columns] = image.output().map(|places| (places - 1) * stride + 2);
            for (at, (back, wanted)) in back.iter().zip(&plane).enumerate() {
                let inside = at / width < rows && at % width < columns;
                assert_eq!(
                    *back,
                    if inside { *wanted } else { 0.0 },
                    "stride {stride}, {height} x {width}, pixel {at}"
                );
            }
            let ([_, wide], taps) = (image.output(), image.taps_from_first());
            for (row, start) in image.row_starts().enumerate() {
                for (tap, offset) in taps.iter().enumerate() {
                    for column in 0..wide {
                        let row = (row * stride + tap / 3).checked_sub(1).filter(|row| *row < height);
                        let from = (column * stride + tap % 3).checked_sub(1).filter(|column| *column < width);
                        let wanted = row.zip(from).map_or(0.0, |(row, from)| plane[row * width + from]);
                        assert_eq!(laid_out[start + offset + column], wanted, "stride {stride}, {height} x {width}");
                    }
                }
            }
        }
    }
}
