/* A STAND-IN for pykd-ext, the bootstrapper extension with which most people run pykd:
 *
 *     !py [-g | -l] [-m] NAME ARGUMENTS...
 *
 * It is not pykd-ext and shares no code with it. It keeps the behaviour that decides whether a script runs:
 *   - NAME is looked up by SearchPathA with the extension ".py", which Windows adds only to a name with no dot;
 *   - each run has a fresh sub-interpreter (-g keeps one), after pykd.initialize() in the main one;
 *   - stdout and stderr have write, writedml, flush, isatty, encoding and closed, and nothing else; stdin has less
 *     (here nobody types: each line read is empty);
 *   - the recursion limit is 500, `sys` is left in the script's globals, __file__ is not set without -m;
 *   - arguments are cut at blanks, double quotes keep blanks, an empty argument vanishes, and what the ANSI
 *     code page does not have has become '?' (the engine hands an extension its arguments in that code page);
 *   - SystemExit is swallowed with its message, any other exception is printed with a blank line between its lines;
 *   - a second !py from within the first is refused.
 * Left out: choice of a Python by the registry or a #! line, !pip, the interactive prompt, Ctrl+Break. */
#include <stdio.h>
#include <vector>
#include "engine.h"

/* The few calls of Python's C interface used here, found at run time: no Windows Python.h is at hand. */
typedef struct PyObject PyObject;
typedef struct PyThreadState PyThreadState;
enum { FILE_INPUT = 257 /* Py_file_input */, VARARGS = 1 /* METH_VARARGS */ };

#define PYTHON_CALLS(X) \
    X(void, Py_InitializeEx, (int)) \
    X(PyThreadState *, PyEval_SaveThread, (void)) \
    X(void, PyEval_RestoreThread, (PyThreadState *)) \
    X(PyThreadState *, PyThreadState_Swap, (PyThreadState *)) \
    X(PyThreadState *, Py_NewInterpreter, (void)) \
    X(void, Py_EndInterpreter, (PyThreadState *)) \
    X(PyObject *, PyImport_AddModule, (const char *)) \
    X(PyObject *, PyModule_GetDict, (PyObject *)) \
    X(PyObject *, PyDict_New, (void)) \
    X(PyObject *, PyDict_GetItemString, (PyObject *, const char *)) \
    X(int, PyDict_SetItemString, (PyObject *, const char *, PyObject *)) \
    X(void, PyDict_Clear, (PyObject *)) \
    X(PyObject *, PyRun_String, (const char *, int, PyObject *, PyObject *)) \
    X(PyObject *, PyRun_FileExFlags, (FILE *, const char *, int, PyObject *, PyObject *, int, void *)) \
    X(FILE *, _Py_fopen_obj, (PyObject *, const char *)) \
    X(void, PySys_SetArgv, (int, wchar_t **)) \
    X(PyObject *, PyUnicode_FromString, (const char *)) \
    X(ptrdiff_t, PyUnicode_AsWideChar, (PyObject *, wchar_t *, ptrdiff_t)) \
    X(ptrdiff_t, PyUnicode_GetLength, (PyObject *)) \
    X(PyObject *, PyTuple_GetItem, (PyObject *, ptrdiff_t)) \
    X(PyObject *, PyCFunction_NewEx, (void *, PyObject *, PyObject *)) \
    X(void, PyErr_Clear, (void)) \
    X(void, PyErr_Fetch, (PyObject **, PyObject **, PyObject **)) \
    X(void, PyErr_NormalizeException, (PyObject **, PyObject **, PyObject **)) \
    X(PyObject *, PyObject_CallFunctionObjArgs, (PyObject *, ...)) \
    X(void, Py_IncRef, (PyObject *))
#define DECLARE(result, name, parameters) static result(*name) parameters;
PYTHON_CALLS(DECLARE)

struct PyMethodDef { const char *name; PyObject *(*call)(PyObject *, PyObject *); int flags; const char *doc; };

static IDebugControl4 *control;       /* of the client that typed the !py under way */
static PyThreadState *main_state;     /* the main interpreter, which pykd.initialize() ran in */
static PyThreadState *global_state;   /* what -g keeps */
static PyObject *none;

static void print(ULONG how, ULONG mask, const std::wstring &text)
{
    control->ControlledOutputWide(how, mask, L"%ws", text.c_str());
}

/* An error text line by line, each with a newline after it: a text that ends in one leaves a blank line behind. */
static void complain(const std::wstring &text)
{
    for (size_t at = 0, end = 0; end != std::wstring::npos; at = end + 1) {
        end = text.find(L'\n', at);
        print(DEBUG_OUTCTL_AMBIENT_TEXT, DEBUG_OUTPUT_ERROR, text.substr(at, end - at) + L"\n");
    }
}

static std::wstring text_of(PyObject *text)
{
    std::wstring out(2 * PyUnicode_GetLength(text) + 1, 0); /* two units for a character beyond the BMP */
    ptrdiff_t length = PyUnicode_AsWideChar(text, &out[0], (ptrdiff_t)out.size());
    out.resize(length < 0 ? 0 : length);
    return out;
}

/* kd_write(text), kd_writedml(text): what the stdout object below calls. The engine may call back, so the
 * interpreter lock is given up meanwhile. */
static PyObject *write_text(PyObject *arguments, ULONG how)
{
    PyObject *text = PyTuple_GetItem(arguments, 0);
    if (!text || PyUnicode_GetLength(text) < 0)
        return NULL; /* no argument, or no text: Python has set the exception */
    std::wstring out = text_of(text);
    PyThreadState *state = PyEval_SaveThread();
    print(how, DEBUG_OUTPUT_NORMAL, out);
    PyEval_RestoreThread(state);
    Py_IncRef(none);
    return none;
}
static PyObject *kd_write(PyObject *, PyObject *arguments) { return write_text(arguments, DEBUG_OUTCTL_AMBIENT_TEXT); }
static PyObject *kd_writedml(PyObject *, PyObject *arguments) { return write_text(arguments, DEBUG_OUTCTL_AMBIENT_DML); }

static PyMethodDef write_method = {"kd_write", kd_write, VARARGS, NULL};
static PyMethodDef writedml_method = {"kd_writedml", kd_writedml, VARARGS, NULL};

static const char STREAMS[] = R"(
class dbgout(object):
    encoding = property(lambda self: 'ascii')
    closed = property(lambda self: False)
    def write(self, text, _write=kd_write): _write(text)
    def writedml(self, text, _write=kd_writedml): _write(text)
    def flush(self): pass
    def isatty(self): return False
class dbgin(object):
    encoding = property(lambda self: 'ascii')
    closed = property(lambda self: False)
    def readline(self): return '\n'
    def isatty(self): return False
import sys
sys.stdout, sys.stderr, sys.stdin = dbgout(), dbgout(), dbgin()
def report(kind, value, trace):
    if kind is SystemExit: return ''
    import traceback
    return '\n\n' + ''.join(item + '\n' for item in traceback.format_exception(kind, value, trace))
)";

static bool load_python()
{
    if (none)
        return true;
    HMODULE python = LoadLibraryA("python39.dll");
#define FIND(result, name, parameters) \
    if (python && !(name = (result(*) parameters)(void *)GetProcAddress(python, #name))) python = NULL;
    PYTHON_CALLS(FIND)
    if (!python)
        return false;
    none = (PyObject *)(void *)GetProcAddress(python, "_Py_NoneStruct");
    Py_InitializeEx(1);
    /* In the main interpreter and before any other: later, in a sub-interpreter, pykd stays "not initialized". */
    PyObject *globals = PyModule_GetDict(PyImport_AddModule("__main__"));
    PyRun_String("__import__('pykd').initialize()\n", FILE_INPUT, globals, globals);
    PyErr_Clear();
    main_state = PyEval_SaveThread();
    return true;
}

static std::vector<std::string> split(const char *line)
{
    std::vector<std::string> words(1);
    bool quoted = false;
    for (; *line; line++) {
        if (*line == '"')
            quoted = !quoted;
        else if ((*line == ' ' || *line == '\t') && !quoted)
            words.emplace_back();
        else
            words.back() += *line;
    }
    std::vector<std::string> kept;
    for (const std::string &word : words)
        if (!word.empty())
            kept.push_back(word);
    return kept;
}

static std::string search(const std::string &name)
{
    char path[MAX_PATH * 4];
    DWORD length = SearchPathA(NULL, name.c_str(), ".py", sizeof path, path, NULL);
    return length ? std::string(path, length) : std::string();
}

/* What the script died of. PyErr_Print would not do: it ends the process on SystemExit. */
static void report_exception(PyObject *scratch)
{
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    if (!kind)
        return;
    PyErr_NormalizeException(&kind, &value, &trace);
    PyObject *text = PyObject_CallFunctionObjArgs(PyDict_GetItemString(scratch, "report"), kind, value ? value : none,
                                                  trace ? trace : none, NULL);
    if (!text)
        return PyErr_Clear();
    std::wstring report = text_of(text);
    if (!report.empty())
        complain(report);
}

/* Run the script or module in the interpreter that is current. */
static void run(const std::vector<std::string> &words, const std::string &path)
{
    PyObject *globals = PyModule_GetDict(PyImport_AddModule("__main__"));
    PyObject *builtins = PyDict_GetItemString(globals, "__builtins__");
    PyObject *scratch = PyDict_New(); /* keeps the stream class out of the script's globals */
    PyDict_SetItemString(scratch, "__builtins__", builtins);
    PyDict_SetItemString(scratch, "kd_write", PyCFunction_NewEx(&write_method, NULL, NULL));
    PyDict_SetItemString(scratch, "kd_writedml", PyCFunction_NewEx(&writedml_method, NULL, NULL));
    PyRun_String(STREAMS, FILE_INPUT, scratch, scratch);
    PyRun_String("import sys\nsys.setrecursionlimit(500)\n", FILE_INPUT, globals, globals);

    std::vector<std::wstring> texts;
    for (size_t i = 0; i < words.size(); i++)
        texts.push_back(wide(i ? words[i] : path, CP_ACP)); /* a module's argv[0] is filled in by runpy */
    std::vector<wchar_t *> argv;
    for (std::wstring &text : texts)
        argv.push_back(&text[0]);
    PySys_SetArgv((int)argv.size(), argv.data());

    if (path.empty()) {
        std::string source = "import runpy\nrunpy.run_module(\"" + words[0] + "\", run_name='__main__', alter_sys=True)\n";
        PyRun_String(source.c_str(), FILE_INPUT, globals, globals);
    } else if (FILE *file = _Py_fopen_obj(PyUnicode_FromString(path.c_str()), "r")) {
        PyRun_FileExFlags(file, path.c_str(), FILE_INPUT, globals, globals, 1 /* close it */, NULL);
    }
    report_exception(scratch);
}

extern "C" __declspec(dllexport) HRESULT CALLBACK DebugExtensionInitialize(PULONG version, PULONG flags)
{
    *version = DEBUG_EXTENSION_VERSION(1, 0);
    *flags = 0;
    return S_OK;
}

extern "C" __declspec(dllexport) HRESULT CALLBACK py(IDebugClient *client, PCSTR line)
{
    static bool running;
    std::vector<std::string> words = split(line);
    bool global = false, module = false;
    while (!words.empty() && (words[0] == "-g" || words[0] == "--global" || words[0] == "-l" || words[0] == "--local")) {
        global = words[0] == "-g" || words[0] == "--global";
        words.erase(words.begin());
    }
    while (!words.empty() && (words[0] == "-m" || words[0] == "--module")) {
        module = true;
        words.erase(words.begin());
    }

    IDebugControl4 *outer = control;
    client->QueryInterface(IID_Control4, (void **)&control);
    std::string path = words.empty() || module ? "" : search(words[0]);
    const wchar_t *refusal = running            ? L"can not run !py command recursive\n"
                             : words.empty()    ? L"bootstrapper stand-in: no interactive Python here"
                             : !load_python()   ? L"bootstrapper stand-in: python39.dll does not load"
                                                : NULL;
    if (refusal) {
        complain(refusal);
    } else if (!module && path.empty()) {
        complain(L"script not found: " + wide(words[0], CP_ACP));
    } else {
        running = true;
        PyEval_RestoreThread(main_state);
        PyThreadState *state = global && global_state ? global_state : Py_NewInterpreter();
        PyThreadState_Swap(state);
        run(words, path);
        if (global) {
            global_state = state;
        } else {
            PyDict_Clear(PyModule_GetDict(PyImport_AddModule("__main__")));
            Py_EndInterpreter(state);
        }
        PyThreadState_Swap(main_state);
        main_state = PyEval_SaveThread();
        running = false;
    }
    control->Release();
    control = outer;
    return S_OK;
}
