"""First names that are frequent enough to tell a column of names from other words."""

# In small letters; names that are everyday words as well (may, will, rose, grace, mark) are left out.
FIRST_NAMES = frozenset(
    """
    aaron adam adrian ahmed aisha alan albert alejandro alessandro alex alexander alexandra ali alice alina amelia amina
    amy ana anastasia andrea andreas andrei andrew andrzej angela angelika anita anja ann anna anne annette anthony antonio
    arthur astrid barbara beatrice ben benjamin bernd bernhard bianca birgit bjorn brian brigitte bruno camille carla carlos
    carmen caroline catherine charles charlotte chen chiara christian christina christine christoph christopher claire
    claudia clara daniel daniela david deborah dennis diana diego dieter dimitri dmitri dominik donald doris dorothy edward
    elena elif elisabeth elizabeth ella ellen emily emine emma emil enrico eric erik erika ethan eva fabian fatima fatma
    felix fernando finn florian francesca francesco francois frank franz frederik friedrich gabriel gabriele george georg
    gerhard giorgio giovanni giulia giuseppe gregory guillaume gunter gustav hamza hannah hans harald harry heike heinrich
    heinz helen helena helga helmut henry herbert hiroshi hugo ian ibrahim ines ingrid irene isabel isabella ivan jack jacob
    jakob james jan jana jane janet jason javier jean jennifer jens jerry jessica jiri joachim joan joao joanna johan johann
    johanna john jonas jonathan jorge jose joseph josef juan judith julia julian julie juliette jurgen justin kamil karen
    karin karl karol katarzyna katharina katherine kathleen kenneth kevin khalid klaus krzysztof kumar lara larry lars laura
    lea lena leon leonie li liam lina linda lisa lorenzo louis louise luca lucas lucia lucie ludwig luis luisa lukas magda
    magdalena manfred manuel marco marek margaret maria marie marina mario marlene marta martha martin martina mary mateusz
    mathilde matteo matthew matthias maximilian mehmet melanie melissa michael michal michel michelle miguel mila mohamed
    mohammed monika muhammad mustafa nadia nancy natalia natalie nicholas nicola nicolas nicole nikolai nina noah nora olga
    oliver olivia omar oscar oskar pablo pamela paolo patricia patrick paul paula pavel pedro peter petra philipp philippe
    pierre piotr rachel rafael ralf raj rebecca renate ricardo richard robert roberto roland ronald rosa ruth ryan sabine
    sabrina samantha samuel sandra sara sarah sebastian sergei sergio sharon silvia simon simone sofia sofie sonja sophia
    sophie stefan stefanie stephanie stephen steven susan susanne svetlana sven sylvia takashi tanja teresa theresa thomas
    timothy tobias tomas tomasz ulrich ulrike ursula uwe valentina vanessa vera veronika victor victoria viktor vincent
    vladimir walter wei werner wilhelm william wolfgang yasmin yuki yusuf zoe zofia
    """.split()  # noqa: SIM905 a list of one word a line would be three pages
)
