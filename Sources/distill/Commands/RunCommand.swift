import ArgumentParser
import Distillation
import Foundation

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Distil: teach a student from a teacher's softened outputs and the true labels.",
        discussion: """
            The loss is alpha · T² · KL(softmax(teacher / T) ‖ softmax(student / T)) + (1 − alpha) · cross-entropy, \
            or the sum of the objectives that are given: `distill objectives` lists them. The teacher is frozen and \
            evaluated first; its outputs are computed once. Without a description of the student it has the teacher's \
            configuration with 6 layers and width 384, and starts at random; a language model's has two thirds of the teacher's \
            layers, with their weights. A language model learns its teacher's distribution of each next token at T = 1 and is judged \
            by the divergence from it.

            --student static makes a table of vectors by token from a sentence-transformers teacher, without texts and training; with \
            --train the table is trained from there on the teacher's vectors, or of a classifier on its outputs.

            Examples:
              distill run --teacher teacher --train train.csv --validation dev.csv --output student \\
                          --layers 3 --init teacher-layers
              distill run --teacher teacher --train train.csv --output student --hidden-size 128 --attention-heads 4 \\
                          --intermediate-size 512 --layers 3 --temperature 2 --alpha 0.5
              distill run --teacher teacher --train train.csv --output student --layers 3 --init teacher-layers \\
                          --objective "kl(weight=0.7, temperature=linear(8,1))" --objective "cross_entropy(weight=0.3)" \\
                          --objective "hidden_mse(weight=1, layers=uniform)" --baseline --seeds 3
              distill run --teacher language-model.gguf --train chats.jsonl --output student --layers 20 --baseline
              distill run --teacher language-model.gguf --train chats.jsonl --output student --layers 20 --on-policy 0.5
              distill run --teacher all-MiniLM-L6-v2 --student static --output fast
              distill run --teacher all-MiniLM-L6-v2 --student static --train texts.csv --output better
              distill run --config distill.yaml --output another

            distill.yaml:
              teacher: teacher
              train: train.csv
              layers: 3
              init: teacher-layers
              stages:
                - {name: layers, epochs: 2, objectives: [hidden_mse, attention_kl]}
                - {name: logits, epochs: 3, learning_rate: 1e-4, objectives: [{name: kl, temperature: 4}]}
              output: student
            """)

    @OptionGroup var options: RunOptions
    @OptionGroup(title: "Running") var processes: ProcessOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    func request() throws -> DistillRequest { try options.request() }

    func run() throws {
        if let request = try UsageError.checking({ try options.staticRequest() }) {
            return try makeStatic(request)
        }
        let run = try UsageError.checking { try DistillationRun(try request()) }
        try processes.perform(threads: options.compute.threads) { processes in
            try TrainingRun.perform(display, isFirst: processes?.isFirst ?? true) {
                try run.run(onEvent: $0, stopRequest: $1, processes: processes)
            }
        }
    }
    /// Makes a static student, which trains nothing.
    private func makeStatic(_ request: StaticStudentRequest) throws {
        guard (processes.processes ?? 1) == 1,
            try UsageError.checking({ try ProcessEnvironment.read() }) == nil
        else {
            throw UsageError(
                "a static student is made by one process; leave --processes out, or start it alone")
        }
        Interrupt.install(.checkpoints)
        let renderer = RunRenderer(quiet: display.quiet)
        let report = try StaticStudentRun(request).run(
            onEvent: { renderer.handle($0) }, shouldStop: { Interrupt.isRequested })
        try display.print(report) { (display.quiet ? "" : "\n") + ReportText.staticStudent(report) }
        renderer.repeatWarnings()
    }
}
