//! Client requests of valgrind's memcheck, without its C headers.
//!
//! A request is a sequence of instructions that does nothing on the processor and that valgrind recognises
//! (valgrind.h, __SPECIAL_INSTRUCTION_PREAMBLE; memcheck.h for the numbers).
#![allow(unsafe_code)]

const RUNNING_ON_VALGRIND: usize = 0x1001;
const MAKE_MEM_UNDEFINED: usize = 0x4d43_0001;
const MAKE_MEM_DEFINED: usize = 0x4d43_0002;
const GET_VBITS: usize = 0x4d43_0008;

/// The answer to a request; 0 outside valgrind and on machines whose sequence is not written down here.
fn request(number: usize, first: usize, second: usize, third: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        let arguments = [number, first, second, third, 0, 0];
        let mut answer = 0usize;
        // SAFETY: the four rotations turn rdi by 128 bits, that is not at all, and the exchange of rbx with itself
        // does nothing. Under valgrind rdx receives the answer, and memory is only written for GET_VBITS, into the
        // exclusively borrowed buffer that `taint_of` passes. No `nomem`: the compiler keeps no copies across it.
        unsafe {
            core::arch::asm!(
                "rol rdi, 3",
                "rol rdi, 13",
                "rol rdi, 61",
                "rol rdi, 51",
                "xchg rbx, rbx",
                in("rax") arguments.as_ptr(),
                inout("rdx") answer,
                options(nostack),
            );
        }
        answer
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (number, first, second, third);
        0
    }
}

/// Whether valgrind runs this program.
pub(crate) fn under_valgrind() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0, 0) != 0
}

/// From here on these bytes count as undefined.
pub(crate) fn secret(bytes: &mut [u8]) {
    request(MAKE_MEM_UNDEFINED, bytes.as_mut_ptr() as usize, bytes.len(), 0);
}

/// From here on these bytes count as defined.
pub(crate) fn declassify(bytes: &mut [u8]) {
    request(MAKE_MEM_DEFINED, bytes.as_mut_ptr() as usize, bytes.len(), 0);
}

/// How many bits of these bytes count as undefined.
pub(crate) fn taint_of(bytes: &[u8]) -> u32 {
    let mut marks = vec![0u8; bytes.len()];
    let answer = request(GET_VBITS, bytes.as_ptr() as usize, marks.as_mut_ptr() as usize, bytes.len());
    assert_eq!(answer, 1, "memcheck gave the marks");
    marks.iter().map(|byte| byte.count_ones()).sum()
}
