import ArgumentParser
import Distillation
import Foundation

/// Everything that describes a distillation: what `run`, `check` and `tune` share.
struct RunOptions: ParsableArguments {
    @OptionGroup(title: "Teaching") var teaching: TeachingOptions
    @OptionGroup(title: "Student") var student: StudentOptionGroup
    @OptionGroup(title: "Data") var data: DataOptions

    @Option(
        help: ArgumentHelp(
            "Labelled texts on which the finished models are judged; nothing is chosen by them.",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var test: String?

    @Flag(help: "Also train the same student without the teacher, and report what the teacher was worth.")
    var baseline = false

    @Option(help: "Do everything this many times with other seeds; report mean and spread, save the best.")
    var seeds: Int?

    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Output") var report: ReportOptions
    @OptionGroup(title: "Running") var cache: CacheOptionGroup
    @OptionGroup(title: "Running") var compute: ComputeOptions

    /// The flags and the configuration file as one request.
    ///
    /// - Parameter fallback: The output directory where none need be given.
    func request(_ settings: Settings, output fallback: String? = nil) throws -> DistillRequest {
        let teachers = try teaching.teachers(settings)
        let data = try data.request(settings)
        let place = try settings.value("output", output.output) ?? fallback
        var request = DistillRequest(
            teacher: teachers[0].directory, data: data,
            output: URL(filePath: try place ?? settings.required("output", output.output)))
        request.teachers = teachers
        try teaching.assign(settings, to: &request)
        request.test = try settings.value("test", test).map { try DataReference.url($0, split: .test) }
        try settings.assign("baseline", baseline ? true : nil, to: &request.baseline)
        try settings.assign("seeds", seeds, to: &request.seeds)
        request.student = try student.options(settings)
        try settings.assign(
            "quantize_aware", student.quantizeAware ? true : nil, to: &request.quantizeAware)
        try output.assign(
            settings, overwrite: &request.overwrite, loggingDirectory: &request.loggingDirectory)
        try report.assign(settings, examples: &request.reportExamples, card: &request.card)
        request.training = try training.arguments(settings)
        request.cache = try cache.options(settings)
        request.device = try compute.device(settings)
        try settings.assign("precision", compute.precision, to: &request.precision)
        return request
    }

    /// The same where nothing else is read from the configuration file.
    func request() throws -> DistillRequest {
        let settings = try Settings(configuration: output.config)
        let request = try request(settings)
        try settings.finish()
        return request
    }
}
