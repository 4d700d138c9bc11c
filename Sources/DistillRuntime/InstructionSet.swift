import CKernels

/// The instruction set that the kernels compute with: the best that the processor has, or the one that `DISTILL_CPU_CAPABILITY` names.
package enum InstructionSet {
    /// - Throws: ``RuntimeError`` where `DISTILL_CPU_CAPABILITY` names an instruction set that this processor does not have.
    package static func require() throws {
        if let problem = ck_capability_problem() { throw RuntimeError(String(cString: problem)) }
    }
}
