//! The terminal of `glassbox dev`; nothing else there prints.
//!
//! On a terminal every step has a spinner with the time it has taken so far; elsewhere
//! a step is a plain line when it begins and one when it is done, so a wait is never
//! silent. Colours follow what the `console` crate reads: `NO_COLOR`, `CLICOLOR`, and
//! whether this is a terminal at all.
//!
//! Texts that others wrote (a model, a document) go through [`plain`] first: a
//! terminal obeys control characters.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use console::{Style, Term, measure_text_width, truncate_str};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How wide lines are where there is no terminal to ask.
const WIDTH: usize = 120;
/// The widest that a text is set on a terminal; longer lines are hard to read.
const MEASURE: usize = 100;

/// The terminal.
#[derive(Debug)]
pub struct Screen {
    term: Term,
    /// The spinner of the step under way, above which lines are printed.
    bar: Mutex<Option<ProgressBar>>,
}

impl Screen {
    /// Standard output.
    pub fn new() -> Self {
        Screen {
            term: Term::stdout(),
            bar: Mutex::new(None),
        }
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.term
            .size_checked()
            .map_or(WIDTH, |(_, columns)| usize::from(columns))
    }

    /// How wide a text is set.
    pub fn measure(&self) -> usize {
        self.width().min(MEASURE)
    }

    /// Prints a line, above the spinner if there is one. Nobody is left to tell when
    /// the terminal is gone, so a failure is dropped.
    pub fn line(&self, text: &str) {
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        match &*bar {
            Some(bar) => bar.suspend(|| drop(self.term.write_line(text))),
            None => drop(self.term.write_line(text)),
        }
    }

    /// Prints a line that stands out, with an empty one before it.
    pub fn heading(&self, text: &str) {
        self.line("");
        self.line(&bold().apply_to(text).to_string());
    }

    /// Begins a step.
    pub fn step(&self, what: &str) -> Step<'_> {
        if self.term.is_term() {
            let bar = ProgressBar::with_draw_target(
                None,
                ProgressDrawTarget::term(self.term.clone(), 20),
            )
            .with_style(spinner())
            .with_message(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            self.replace_bar(Some(bar));
        } else {
            self.line(&format!("{what} …"));
        }
        Step {
            screen: self,
            what: what.to_owned(),
            begun: Instant::now(),
            done: false,
        }
    }

    fn replace_bar(&self, next: Option<ProgressBar>) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = std::mem::replace(&mut *bar, next) {
            last.finish_and_clear();
        }
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner:.cyan} {wide_msg} {elapsed:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// A step under way. Dropped without [`Step::done`], it goes from the screen, because
/// it failed and a sentence about that follows.
#[derive(Debug)]
pub struct Step<'a> {
    screen: &'a Screen,
    what: String,
    begun: Instant,
    done: bool,
}

impl Step<'_> {
    /// Says more about what is happening right now, beside the spinner alone.
    pub fn say(&self, text: &str) {
        let bar = self
            .screen
            .bar
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = &*bar {
            bar.set_message(text.to_owned());
        }
    }

    /// The step is done; its line stays, with the time it took.
    pub fn done(mut self) {
        self.done = true;
        self.screen.replace_bar(None);
        let took = dim().apply_to(seconds(self.begun.elapsed()));
        let tick = Style::new().green().apply_to("✓");
        self.screen.line(&format!("{tick} {} {took}", self.what));
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.screen.replace_bar(None);
        }
    }
}

/// A duration for a person: "0.4 s".
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// What stands out.
pub fn bold() -> Style {
    Style::new().bold()
}

/// What may be overlooked.
pub fn dim() -> Style {
    Style::new().dim()
}

/// `text` on one line without control characters.
pub fn plain(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.join(" ")
}

/// `text` in at most `width` columns, padded to just as many.
pub fn cell(text: &str, width: usize) -> String {
    let cut = truncate_str(text, width, "…");
    let missing = width.saturating_sub(measure_text_width(&cut));
    format!("{cut}{}", " ".repeat(missing))
}

/// As [`cell`], but set to the right.
pub fn right(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(measure_text_width(text));
    format!("{}{text}", " ".repeat(missing))
}

/// `text` in lines of at most `width` columns, broken between words; line breaks and
/// empty lines stay. A longer word has a line of its own.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    text.lines()
        .flat_map(|line| wrap_line(line, width))
        .collect()
}

fn wrap_line(line: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in plain(line).split(' ') {
        let longer = measure_text_width(&current) + 1 + measure_text_width(word);
        if !current.is_empty() && longer > width {
            lines.push(std::mem::take(&mut current));
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_wrote_cannot_command_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\n\tc\u{7f}\u{9b}d"), "a [2Jb c d");
    }

    #[test]
    fn a_text_is_broken_between_words_and_keeps_its_own_lines() {
        let lines = wrap("one two three\n\nfour incomprehensibilities", 9);
        assert_eq!(
            lines,
            ["one two", "three", "", "four", "incomprehensibilities"]
        );
    }

    #[test]
    fn cells_are_as_wide_as_they_should_be_in_columns() {
        assert_eq!(cell("abc", 5), "abc  ");
        assert_eq!(cell("abcdef", 4), "abc…");
        assert_eq!(measure_text_width(&cell("日本語日本語", 5)), 5);
        assert_eq!(right("7→3", 6), "   7→3");
    }
}
