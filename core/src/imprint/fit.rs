//! Circles, ellipses and squares through the outermost ink, against stray points.
//!
//! The arithmetic is f64 with + - * / and square root only: IEEE 754 defines those to the bit, so a fit is the
//! same on every machine. Sines come from the integer table.

#![allow(clippy::needless_range_loop, reason = "matrix rows and columns are indexed alike")]

use super::trigonometry::{DIRECTIONS, UNIT_BITS, cos_sin};

/// A point in pixels, x to the right, y down.
pub(super) type Point = (f64, f64);

/// A border: the image of the unit circle (or of the square between -1 and 1) under `centre + p * u + q * v`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Border {
    pub(super) centre: Point,
    pub(super) u: Point,
    pub(super) v: Point,
}

impl Border {
    /// The same border in another unit of length.
    pub(super) fn scaled(&self, by: f64) -> Border {
        let scaled = |p: Point| (p.0 * by, p.1 * by);
        Border { centre: scaled(self.centre), u: scaled(self.u), v: scaled(self.v) }
    }
}

/// Trials of the random samples: with two thirds of the points on an ellipse, all fail once in a million.
const TRIALS: usize = 100;

/// A fixed sequence of numbers: the same trials every time.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound as u64) as usize
    }
}

/// Gaussian elimination with row exchange; `None` if the equations do not determine the unknowns.
fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let mut pivot = column;
        for row in column + 1..N {
            if a[row][column].abs() > a[pivot][column].abs() {
                pivot = row;
            }
        }
        if a[pivot][column].abs() < 1e-9 {
            return None;
        }
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in column + 1..N {
            let factor = a[row][column] / a[column][column];
            for k in column..N {
                a[row][k] -= factor * a[column][k];
            }
            b[row] -= factor * b[column];
        }
    }
    let mut x = [0.0; N];
    for row in (0..N).rev() {
        let mut sum = b[row];
        for k in row + 1..N {
            sum -= a[row][k] * x[k];
        }
        x[row] = sum / a[row][row];
    }
    Some(x)
}

/// Least squares: the weights w that bring `w . row` closest to 1 over all rows.
fn least_squares<const N: usize>(rows: impl Iterator<Item = [f64; N]>, target: f64) -> Option<[f64; N]> {
    let mut a = [[0.0; N]; N];
    let mut b = [0.0; N];
    for row in rows {
        for i in 0..N {
            for j in 0..N {
                a[i][j] += row[i] * row[j];
            }
            b[i] += row[i] * target;
        }
    }
    solve(a, b)
}

/// Points relative to `origin`, in units of `scale`.
fn normalised(points: &[Point], origin: Point, scale: f64) -> impl Iterator<Item = Point> {
    points.iter().map(move |p| ((p.0 - origin.0) / scale, (p.1 - origin.1) / scale))
}

/// The circle x^2 + y^2 = a x + b y + c, as centre and radius.
pub(super) fn circle_through(points: &[Point], origin: Point, scale: f64) -> Option<(Point, f64)> {
    let mut a = [[0.0; 3]; 3];
    let mut rhs = [0.0; 3];
    for (x, y) in normalised(points, origin, scale) {
        let row = [x, y, 1.0];
        let square = x * x + y * y;
        for i in 0..3 {
            for j in 0..3 {
                a[i][j] += row[i] * row[j];
            }
            rhs[i] += row[i] * square;
        }
    }
    let [p, q, r] = solve(a, rhs)?;
    let (cx, cy) = (p / 2.0, q / 2.0);
    let square = r + cx * cx + cy * cy;
    (square > 0.0).then(|| ((origin.0 + cx * scale, origin.1 + cy * scale), square.sqrt() * scale))
}

/// A conic a x^2 + b x y + c y^2 + d x + e y = 1 as centre and half axes; `None` if it is no ellipse.
pub(super) fn ellipse_through(points: &[Point], origin: Point, scale: f64) -> Option<Border> {
    // The origin lies inside, so the constant term cannot vanish.
    let [a, b, c, d, e] =
        least_squares(normalised(points, origin, scale).map(|(x, y)| [x * x, x * y, y * y, x, y]), 1.0)?;
    let determinant = 4.0 * a * c - b * b;
    if determinant <= 1e-9 {
        return None;
    }
    let (cx, cy) = ((b * e - 2.0 * c * d) / determinant, (b * d - 2.0 * a * e) / determinant);
    let level = 1.0 + a * cx * cx + b * cx * cy + c * cy * cy;
    // The smaller eigenvalue belongs to the longer axis.
    let spread = ((a - c) * (a - c) + b * b).sqrt();
    let (low, high) = ((a + c - spread) / 2.0, (a + c + spread) / 2.0);
    if low / level <= 0.0 || high / level <= 0.0 {
        return None;
    }
    let (long, short) = ((level / low).sqrt() * scale, (level / high).sqrt() * scale);
    let (x, y) = if spread < 1e-12 {
        (1.0, 0.0)
    } else if a <= c {
        (spread - (a - c), -b)
    } else {
        (-b, spread + (a - c))
    };
    let length = (x * x + y * y).sqrt();
    let (x, y) = if length > 0.0 { (x / length, y / length) } else { (1.0, 0.0) };
    Some(Border {
        centre: (origin.0 + cx * scale, origin.1 + cy * scale),
        u: (x * long, y * long),
        v: (-y * short, x * short),
    })
}

/// How far a point is from an ellipse, as a share of the way from its centre.
fn off_ellipse(p: Point, border: &Border) -> f64 {
    let (x, y) = (p.0 - border.centre.0, p.1 - border.centre.1);
    let long = border.u.0 * border.u.0 + border.u.1 * border.u.1;
    let short = border.v.0 * border.v.0 + border.v.1 * border.v.1;
    let (s, t) = ((x * border.u.0 + y * border.u.1) / long, (x * border.v.0 + y * border.v.1) / short);
    ((s * s + t * t).sqrt() - 1.0).abs()
}

/// The ellipse that most points lie on.
pub(super) fn ellipse(points: &[Point], origin: Point, scale: f64) -> Option<Border> {
    let mut sequence = Sequence(2);
    let mut best: Option<(usize, Border)> = None;
    if points.len() < 24 {
        return None;
    }
    let proportioned = |border: &Border| {
        let long = border.u.0 * border.u.0 + border.u.1 * border.u.1;
        let short = border.v.0 * border.v.0 + border.v.1 * border.v.1;
        long <= 2.6 * scale * scale && short >= 0.16 * long
    };
    for _ in 0..TRIALS {
        let sample = [0; 5].map(|_| points[sequence.below(points.len())]);
        let Some(border) = ellipse_through(&sample, origin, scale).filter(proportioned) else { continue };
        let count = points.iter().filter(|p| off_ellipse(**p, &border) <= 0.025).count();
        if best.as_ref().is_none_or(|(most, _)| count > *most) {
            best = Some((count, border));
            // No other sample will find many more.
            if count * 20 > points.len() * 19 {
                break;
            }
        }
    }
    let (_, mut border) = best?;
    for share in [0.03, 0.02, 0.016] {
        let near: Vec<Point> = points.iter().copied().filter(|p| off_ellipse(*p, &border) <= share).collect();
        if near.len() < 16 {
            return None;
        }
        border = ellipse_through(&near, origin, scale).filter(proportioned)?;
    }
    Some(border)
}

/// Points in the frame of a direction: along it and across it.
fn turned(points: &[Point], (c, s): Point) -> Vec<Point> {
    points.iter().map(|p| (p.0 * c + p.1 * s, p.1 * c - p.0 * s)).collect()
}

/// The ends between which all but a few of the values lie.
fn ends(mut values: Vec<f64>) -> (f64, f64) {
    let few = values.len() / 40;
    let last = values.len() - 1 - few;
    let low = *values.select_nth_unstable_by(few, f64::total_cmp).1;
    (low, *values.select_nth_unstable_by(last, f64::total_cmp).1)
}

/// The rectangle that most points lie on, in any direction.
pub(super) fn rectangle(points: &[Point]) -> Option<Border> {
    if points.len() < 24 {
        return None;
    }
    let unit = (1u64 << UNIT_BITS) as f64;
    let on_sides = |points: &[Point]| {
        let (left, right) = ends(points.iter().map(|p| p.0).collect());
        let (top, bottom) = ends(points.iter().map(|p| p.1).collect());
        let tolerance = (0.012 * (right - left).max(bottom - top)).max(1.5);
        let near = move |a: f64, b: f64| (a - b).abs() <= tolerance;
        let side = move |p: &Point| match p {
            p if near(p.0, left) => Some(0),
            p if near(p.0, right) => Some(1),
            p if near(p.1, top) => Some(2),
            p if near(p.1, bottom) => Some(3),
            _ => None,
        };
        (side, (left, right, top, bottom))
    };
    let mut best = (0, (1.0, 0.0));
    for step in (0..DIRECTIONS / 4).step_by(4) {
        let (c, s) = cos_sin(step);
        let direction = (c as f64 / unit, s as f64 / unit);
        let frame = turned(points, direction);
        let (side, _) = on_sides(&frame);
        let count = frame.iter().filter(|p| side(p).is_some()).count();
        if count > best.0 {
            best = (count, direction);
        }
    }
    let frame = turned(points, best.1);
    let (_, (left, right, top, bottom)) = on_sides(&frame);
    if right <= left || bottom <= top {
        return None;
    }
    Some(framed(best.1, left, right, top, bottom))
}

/// A rectangle between four lines in the frame of a direction.
fn framed((c, s): Point, left: f64, right: f64, top: f64, bottom: f64) -> Border {
    let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
    let (a, b) = ((right - left) / 2.0, (bottom - top) / 2.0);
    let (u, v) = ((a * c, a * s), (-b * s, b * c));
    // The longer axis first, v to the right of u as seen on the page.
    let (u, v) = if a >= b { (u, v) } else { (v, (-u.0, -u.1)) };
    Border { centre: (x * c - y * s, x * s + y * c), u, v }
}

/// The rectangle again, from points near its sides: their common turn, then each side by itself.
pub(super) fn rectangle_near(points: &[Point], border: &Border) -> Option<Border> {
    let long = (border.u.0 * border.u.0 + border.u.1 * border.u.1).sqrt();
    let short = (border.v.0 * border.v.0 + border.v.1 * border.v.1).sqrt();
    let mut direction = (border.u.0 / long, border.u.1 / long);
    let origin = border.centre;
    let moved: Vec<Point> = points.iter().map(|p| (p.0 - origin.0, p.1 - origin.1)).collect();
    // Which side a point belongs to: the one that its direction from the middle meets; corners belong to none.
    let side = |p: &Point| {
        let (x, y) = (p.0 / long, p.1 / short);
        match (x.abs(), y.abs()) {
            (x_, y_) if x_ > 1.06 * y_ => Some(usize::from(x > 0.0)),
            (x_, y_) if y_ > 1.06 * x_ => Some(2 + usize::from(y > 0.0)),
            _ => None,
        }
    };
    let mut lines = [None; 4];
    for _ in 0..2 {
        let frame = turned(&moved, direction);
        let (mut slope, mut weight) = (0.0, 0.0);
        for (wanted, line) in lines.iter_mut().enumerate() {
            let on: Vec<Point> = frame
                .iter()
                .filter(|p| side(p) == Some(wanted))
                .map(|p| if wanted < 2 { (p.1, -p.0) } else { (p.0, p.1) })
                .collect();
            *line = None;
            if on.len() < 5 {
                continue;
            }
            let count = on.len() as f64;
            let (t, d) = on.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / count, m.1 + p.1 / count));
            for p in &on {
                slope += (p.0 - t) * (p.1 - d);
                weight += (p.0 - t) * (p.0 - t);
            }
            *line = Some(if wanted < 2 { -d } else { d });
        }
        if weight <= 0.0 {
            return None;
        }
        let turn = slope / weight;
        let (c, s) = (direction.0 - turn * direction.1, direction.1 + turn * direction.0);
        let length = (c * c + s * s).sqrt();
        direction = (c / length, s / length);
    }
    // A side that has no ink stays where it was.
    if lines.iter().filter(|line| line.is_some()).count() < 3 {
        return None;
    }
    let [left, right, top, bottom] =
        [(0, -long), (1, long), (2, -short), (3, short)].map(|(k, old)| lines[k].unwrap_or(old));
    if right <= left || bottom <= top {
        return None;
    }
    let fitted = framed(direction, left, right, top, bottom);
    Some(Border { centre: (fitted.centre.0 + origin.0, fitted.centre.1 + origin.1), ..fitted })
}
