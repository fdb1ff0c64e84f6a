use super::*;

fn picture(svg: &str) -> Picture {
    Picture { name: "test", svg: svg.to_owned() }
}

#[test]
fn a_drawing_has_its_size_and_colours() {
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"20\" height=\"10\"><rect width=\"10\" height=\"10\" \
        fill=\"#ff8000\"/></svg>";
    let (size, png) = picture(svg).png().unwrap();
    assert_eq!(size, [20, 10]);
    let image = image::load_from_memory(&png).unwrap().to_rgba8();
    assert_eq!(image.dimensions(), (20, 10));
    assert_eq!((image.get_pixel(3, 3).0, image.get_pixel(15, 3).0), ([255, 128, 0, 255], [0, 0, 0, 0]));
}

#[test]
fn what_cannot_be_drawn_is_none() {
    for svg in ["", "no drawing", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"0\" height=\"10\"/>"] {
        assert_eq!(picture(svg).png(), None, "{svg}");
    }
}
