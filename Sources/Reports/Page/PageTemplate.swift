import Mustache

/// The page's template and how it is filled. It is part of the program: an installed binary needs no file beside it.
enum PageTemplate {
    /// Fills the template.
    ///
    /// - Throws: ``ReportError`` where the template is broken, which tests exclude.
    static func render(_ page: Page) throws -> String {
        MustacheContentTypes.register(MarkupContent(), named: "MARKUP")
        let texts = ["page": pageText, "table": tableText, "example": exampleText, "style": style]
        var templates: [String: MustacheTemplate] = [:]
        for (name, text) in texts {
            do { templates[name] = try MustacheTemplate(string: text) } catch {
                throw ReportError("the page's template '\(name)' is broken: \(error)")
            }
        }
        guard let html = MustacheLibrary(templates: templates).render(page, withTemplate: "page") else {
            throw ReportError("the page's template is missing")
        }
        return html
    }

    /// Everything but the style is loaded from nowhere, and the policy says so to the browser.
    private static let pageText = """
        {{%CONTENT_TYPE:MARKUP}}
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="referrer" content="no-referrer">
        <meta name="generator" content="distill">
        <title>{{title}}</title>
        <style>
        {{>style}}
        </style>
        </head>
        <body>
        <a class="skip" href="#main">Skip to the results</a>
        <header>
        <p class="kicker">{{kicker}}</p>
        <h1 dir="auto">{{heading}}</h1>
        {{#lede}}
        <p class="lede">{{.}}</p>
        {{/lede}}
        <dl class="tiles">
        {{#tiles}}
        <div><dt>{{tileName}}</dt><dd>{{tileValue}}</dd><dd class="tile-note">{{tileNote}}</dd></div>
        {{/tiles}}
        </dl>
        </header>
        <nav aria-label="Contents">
        <ul>
        {{#contents}}
        <li{{#isSub}} class="sub"{{/isSub}}><a href="#{{target}}">{{entryTitle}}</a></li>
        {{/contents}}
        </ul>
        </nav>
        <main id="main" tabindex="-1">
        {{#sections}}
        <section aria-labelledby="{{anchor}}" class="level-{{level}}">
        <h{{level}} id="{{anchor}}" dir="auto">{{sectionTitle}}</h{{level}}>
        {{#blocks}}
        {{#paragraph}}
        <p>{{.}}</p>
        {{/paragraph}}
        {{#warning}}
        <p class="warning"><strong>Note.</strong> {{.}}</p>
        {{/warning}}
        {{#figures}}
        <div class="figures{{#isWide}} wide{{/isWide}}">
        {{#row}}
        <figure>
        <figcaption>{{figureTitle}}</figcaption>
        {{{svg}}}
        {{#figureNote}}
        <p class="figure-note">{{.}}</p>
        {{/figureNote}}
        {{#numbers}}
        <details><summary>The numbers<span class="unseen"> of: {{figureTitle}}</span></summary>
        {{>table}}
        </details>
        {{/numbers}}
        </figure>
        {{/row}}
        </div>
        {{/figures}}
        {{#table}}
        {{>table}}
        {{/table}}
        {{#folded}}
        <details class="print"><summary>{{foldTitle}}</summary>
        {{#foldTable}}
        {{>table}}
        {{/foldTable}}
        </details>
        {{/folded}}
        {{#examples}}
        <h{{listLevel}} id="{{listID}}">{{listTitle}}</h{{listLevel}}>
        <p>{{listNote}}</p>
        <ol class="examples">
        {{#first}}
        {{>example}}
        {{/first}}
        </ol>
        {{#rest}}
        <details class="print"><summary>{{restTitle}}</summary>
        <ol class="examples more">
        {{#others}}
        {{>example}}
        {{/others}}
        </ol>
        </details>
        {{/rest}}
        {{/examples}}
        {{/blocks}}
        </section>
        {{/sections}}
        </main>
        <footer><p>{{footer}}</p></footer>
        </body>
        </html>

        """

    private static let tableText = """
        {{%CONTENT_TYPE:MARKUP}}
        <div class="scroll" role="region" tabindex="0" aria-labelledby="{{tableID}}">
        <table{{#isText}} class="words"{{/isText}}>
        <caption id="{{tableID}}">{{caption}}</caption>
        <thead><tr><th scope="col">{{corner}}</th>{{#columns}}<th scope="col"><bdi>{{.}}</bdi></th>{{/columns}}</tr></thead>
        <tbody>
        {{#rows}}
        <tr><th scope="row"><bdi>{{head}}</bdi></th>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
        {{/rows}}
        </tbody>
        </table>
        </div>

        """

    private static let exampleText = """
        {{%CONTENT_TYPE:MARKUP}}
        <li>
        <blockquote dir="auto">{{exampleText}}</blockquote>
        {{#pairText}}
        <blockquote class="pair" dir="auto">{{.}}</blockquote>
        {{/pairText}}
        <p class="facts">{{facts}}</p>
        <div class="answers">
        {{#answers}}
        <div class="answer {{answerStyle}}">
        <p><strong>{{answerer}}</strong>: <bdi>{{answer}}</bdi>{{#verdict}} <span class="verdict">({{.}})</span>{{/verdict}}</p>
        <ul class="bars">
        {{#bars}}
        <li><span class="bar-label"><bdi>{{barLabel}}</bdi></span><span class="bar-track"><span class="bar-fill" style="width:{{barWidth}}%"></span></span><span class="bar-text">{{barText}}</span></li>
        {{/bars}}
        </ul>
        </div>
        {{/answers}}
        </div>
        </li>

        """
}
