"""What mails and text messages say, in every language that usherd speaks by itself.

A mail is a subject, an optional button, and lines; `{{ name }}` is filled in. A project replaces
single mails with `usherd template set`.
"""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """One mail in one language. `button` labels the link; a code stands on a line of its own."""

    subject: str
    lines: tuple[str, ...]
    button: str = ""


MAILS: dict[str, dict[str, Words]] = {
    "verification": {
        "en": Words("Confirm your e-mail address for {{ project }}", (
            "Hello {{ user }},", "please confirm that this e-mail address is yours.",
            "The link works for {{ minutes }} minutes. "
            "Have you not signed up yourself? Then ignore this mail: somebody else would share the account.",
        ), "Confirm my address"),
        "de": Words("Bestätige deine E-Mail-Adresse für {{ project }}", (
            "Hallo {{ user }},", "bitte bestätige, dass diese E-Mail-Adresse dir gehört.",
            "Der Link gilt {{ minutes }} Minuten. "
            "Hast du dich nicht selbst angemeldet? Dann ignoriere diese Mail: jemand anders hätte das Konto mit dir.",
        ), "Adresse bestätigen"),
        "fr": Words("Confirmez votre adresse e-mail pour {{ project }}", (
            "Bonjour {{ user }},", "veuillez confirmer que cette adresse e-mail est la vôtre.",
            "Le lien est valable {{ minutes }} minutes. "
            "Vous ne vous êtes pas inscrit vous-même ? Ignorez ce message : quelqu'un d'autre partagerait le compte.",
        ), "Confirmer mon adresse"),
        "es": Words("Confirma tu correo electrónico para {{ project }}", (
            "Hola, {{ user }}:", "confirma que esta dirección de correo es tuya.",
            "El enlace sirve durante {{ minutes }} minutos. "
            "¿No te has registrado tú? Entonces ignora este mensaje: otra persona compartiría la cuenta.",
        ), "Confirmar mi correo"),
    },
    "recovery": {
        "en": Words("Choose a new password for {{ project }}", (
            "Hello {{ user }},", "with this link you can choose a new password.",
            "The link works for {{ minutes }} minutes. If you did not ask for it, ignore this mail: "
            "your password stays as it is.",
        ), "Choose a new password"),
        "de": Words("Neues Passwort für {{ project }}", (
            "Hallo {{ user }},", "mit diesem Link kannst du ein neues Passwort wählen.",
            "Der Link gilt {{ minutes }} Minuten. Hast du ihn nicht angefordert, ignoriere diese Mail: "
            "dein Passwort bleibt, wie es ist.",
        ), "Neues Passwort wählen"),
        "fr": Words("Nouveau mot de passe pour {{ project }}", (
            "Bonjour {{ user }},", "ce lien vous permet de choisir un nouveau mot de passe.",
            "Le lien est valable {{ minutes }} minutes. Si vous n'avez rien demandé, ignorez ce message : "
            "votre mot de passe ne change pas.",
        ), "Choisir un mot de passe"),
        "es": Words("Nueva contraseña para {{ project }}", (
            "Hola, {{ user }}:", "con este enlace puedes elegir una contraseña nueva.",
            "El enlace sirve durante {{ minutes }} minutos. Si no lo has pedido tú, ignora este mensaje: "
            "tu contraseña no cambia.",
        ), "Elegir contraseña"),
    },
    "magicSession": {
        "en": Words("Sign in to {{ project }}", (
            "Hello {{ user }},", "with this link you sign in, without a password.",
            "The link works once, for {{ minutes }} minutes. If you did not ask for it, ignore this mail.",
        ), "Sign in"),
        "de": Words("Anmelden bei {{ project }}", (
            "Hallo {{ user }},", "mit diesem Link meldest du dich ohne Passwort an.",
            "Der Link gilt einmal, {{ minutes }} Minuten lang. Hast du ihn nicht angefordert, ignoriere diese Mail.",
        ), "Anmelden"),
        "fr": Words("Connexion à {{ project }}", (
            "Bonjour {{ user }},", "ce lien vous connecte sans mot de passe.",
            "Il sert une seule fois, pendant {{ minutes }} minutes. Si vous n'avez rien demandé, ignorez ce message.",
        ), "Se connecter"),
        "es": Words("Iniciar sesión en {{ project }}", (
            "Hola, {{ user }}:", "con este enlace inicias sesión sin contraseña.",
            "Sirve una sola vez, durante {{ minutes }} minutos. Si no lo has pedido tú, ignora este mensaje.",
        ), "Iniciar sesión"),
    },
    "otpSession": {
        "en": Words("Your code for {{ project }}", (
            "Hello {{ user }},", "sign in with this code:", "{{ code }}",
            "It works once, for {{ minutes }} minutes. Give it to nobody.",
        )),
        "de": Words("Dein Code für {{ project }}", (
            "Hallo {{ user }},", "melde dich mit diesem Code an:", "{{ code }}",
            "Er gilt einmal, {{ minutes }} Minuten lang. Gib ihn niemandem.",
        )),
        "fr": Words("Votre code pour {{ project }}", (
            "Bonjour {{ user }},", "connectez-vous avec ce code :", "{{ code }}",
            "Il sert une seule fois, pendant {{ minutes }} minutes. Ne le donnez à personne.",
        )),
        "es": Words("Tu código para {{ project }}", (
            "Hola, {{ user }}:", "inicia sesión con este código:", "{{ code }}",
            "Sirve una sola vez, durante {{ minutes }} minutos. No se lo des a nadie.",
        )),
    },
    "mfaChallenge": {
        "en": Words("Your security code for {{ project }}", (
            "Hello {{ user }},", "somebody is signing in with your password. If it is you, enter this code:",
            "{{ code }}", "If it is not you, change your password.",
        )),
        "de": Words("Dein Sicherheitscode für {{ project }}", (
            "Hallo {{ user }},", "jemand meldet sich mit deinem Passwort an. Bist du es, gib diesen Code ein:",
            "{{ code }}", "Bist du es nicht, ändere dein Passwort.",
        )),
        "fr": Words("Votre code de sécurité pour {{ project }}", (
            "Bonjour {{ user }},", "quelqu'un se connecte avec votre mot de passe. Si c'est vous, saisissez ce code :",
            "{{ code }}", "Si ce n'est pas vous, changez de mot de passe.",
        )),
        "es": Words("Tu código de seguridad para {{ project }}", (
            "Hola, {{ user }}:", "alguien está iniciando sesión con tu contraseña. Si eres tú, escribe este código:",
            "{{ code }}", "Si no eres tú, cambia tu contraseña.",
        )),
    },
    "sessionAlert": {
        "en": Words("New sign-in to {{ project }}", (
            "Hello {{ user }},", "somebody has signed in to your account.",
            "When: {{ time }}. Device: {{ device }}. Address: {{ ip }} ({{ country }}).",
            "If it was not you, change your password and end the other sessions.",
        )),
        "de": Words("Neue Anmeldung bei {{ project }}", (
            "Hallo {{ user }},", "jemand hat sich bei deinem Konto angemeldet.",
            "Wann: {{ time }}. Gerät: {{ device }}. Adresse: {{ ip }} ({{ country }}).",
            "Warst du es nicht, ändere dein Passwort und beende die anderen Sitzungen.",
        )),
        "fr": Words("Nouvelle connexion à {{ project }}", (
            "Bonjour {{ user }},", "quelqu'un s'est connecté à votre compte.",
            "Quand : {{ time }}. Appareil : {{ device }}. Adresse : {{ ip }} ({{ country }}).",
            "Si ce n'était pas vous, changez de mot de passe et fermez les autres sessions.",
        )),
        "es": Words("Nuevo inicio de sesión en {{ project }}", (
            "Hola, {{ user }}:", "alguien ha iniciado sesión en tu cuenta.",
            "Cuándo: {{ time }}. Dispositivo: {{ device }}. Dirección: {{ ip }} ({{ country }}).",
            "Si no has sido tú, cambia tu contraseña y cierra las demás sesiones.",
        )),
    },
    "invitation": {
        "en": Words("Invitation to the team {{ team }}", (
            "Hello {{ user }},", "{{ owner }} invites you to the team {{ team }} of {{ project }}.",
        ), "Accept the invitation"),
        "de": Words("Einladung ins Team {{ team }}", (
            "Hallo {{ user }},", "{{ owner }} lädt dich ins Team {{ team }} von {{ project }} ein.",
        ), "Einladung annehmen"),
        "fr": Words("Invitation à l'équipe {{ team }}", (
            "Bonjour {{ user }},", "{{ owner }} vous invite dans l'équipe {{ team }} de {{ project }}.",
        ), "Accepter l'invitation"),
        "es": Words("Invitación al equipo {{ team }}", (
            "Hola, {{ user }}:", "{{ owner }} te invita al equipo {{ team }} de {{ project }}.",
        ), "Aceptar la invitación"),
    },
}  # fmt: skip

PHRASE = {
    "en": "Security phrase: {{ phrase }}. The page where you asked for this mail shows the same.",
    "de": "Sicherheitsphrase: {{ phrase }}. Die Seite, auf der du diese Mail angefordert hast, zeigt dieselbe.",
    "fr": "Phrase de sécurité : {{ phrase }}. La page où vous avez demandé ce message affiche la même.",
    "es": "Frase de seguridad: {{ phrase }}. La página en la que pediste este mensaje muestra la misma.",
}
"""Follows the lines when there is a phrase."""

TEXTS: dict[str, dict[str, str]] = {
    "login": {
        "en": "{{ code }} is your code for {{ project }}. It works for {{ minutes }} minutes.",
        "de": "{{ code }} ist dein Code für {{ project }}. Er gilt {{ minutes }} Minuten.",
        "fr": "{{ code }} est votre code pour {{ project }}, valable {{ minutes }} minutes.",
        "es": "{{ code }} es tu código para {{ project }}. Sirve durante {{ minutes }} minutos.",
    },
    "verification": {
        "en": "Confirm your phone number for {{ project }} with the code {{ code }}.",
        "de": "Bestätige deine Telefonnummer für {{ project }} mit dem Code {{ code }}.",
        "fr": "Confirmez votre numéro pour {{ project }} avec le code {{ code }}.",
        "es": "Confirma tu número para {{ project }} con el código {{ code }}.",
    },
    "mfaChallenge": {
        "en": "{{ code }} is your security code for {{ project }}. Give it to nobody.",
        "de": "{{ code }} ist dein Sicherheitscode für {{ project }}. Gib ihn niemandem.",
        "fr": "{{ code }} est votre code de sécurité pour {{ project }}. Ne le donnez à personne.",
        "es": "{{ code }} es tu código de seguridad para {{ project }}. No se lo des a nadie.",
    },
    "invitation": {
        "en": "{{ owner }} invites you to {{ team }} of {{ project }}: {{ url }}",
        "de": "{{ owner }} lädt dich zu {{ team }} von {{ project }} ein: {{ url }}",
        "fr": "{{ owner }} vous invite dans {{ team }} de {{ project }} : {{ url }}",
        "es": "{{ owner }} te invita a {{ team }} de {{ project }}: {{ url }}",
    },
}

LOCALES = ("en", "de", "fr", "es")
