// A static-pie Rust program with threads, channels and files.
use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::{mpsc, Arc, Mutex};
use std::{fs, process, thread, time};

fn sum_of_roots(range: std::ops::Range<u32>) -> f64 {
    range.map(|n| f64::from(n).sqrt()).sum()
}

fn main() {
    let mut failures = 0;
    let mut check = |condition: bool, what: &str| {
        if !condition {
            failures += 1;
            eprintln!("    not ok main.rs: {}", what);
        }
    };

    let expected = sum_of_roots(1..200_000);
    let (sender, receiver) = mpsc::channel();
    let counter = Arc::new(Mutex::new(HashMap::new()));
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let (sender, counter) = (sender.clone(), counter.clone());
            thread::spawn(move || {
                counter.lock().unwrap().insert(number, true);
                sender.send(sum_of_roots(1..200_000)).unwrap();
            })
        })
        .collect();
    drop(sender);
    check(receiver.iter().all(|sum| sum == expected), "sums of threads");
    for thread in threads {
        check(thread.join().is_ok(), "a thread's end");
    }
    check(counter.lock().unwrap().len() == 8, "a map under a mutex");

    let path = format!("/tmp/rust-test-{}", process::id());
    let text = format!("{:.6} {:?}", std::f64::consts::PI, [1, 2, 3]);
    fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    let mut read = String::new();
    fs::File::open(&path).unwrap().read_to_string(&mut read).unwrap();
    check(read == "3.141593 [1, 2, 3]", "a file");
    fs::remove_file(&path).unwrap();
    check(fs::metadata(&path).is_err(), "a file that was removed");

    let start = time::Instant::now();
    thread::sleep(time::Duration::from_millis(20));
    check(start.elapsed() >= time::Duration::from_millis(20), "sleep");
    let panicked = thread::spawn(|| {
        std::panic::set_hook(Box::new(|_| {}));
        panic!("on purpose")
    })
    .join()
    .is_err();
    check(panicked, "a panic that unwinds");
    check(process::Command::new("/bin/busybox").args(["sh", "-c", "exit 7"]).status().unwrap().code() == Some(7), "a child");
    process::exit(if failures == 0 { 0 } else { 1 });
}
